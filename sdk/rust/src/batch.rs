use std::ops::Deref;

use crate::bindings::exports::runner::stage::batch_agent;
use crate::plugin::{Plugin, find};
use crate::{
    Context, Declaration, Error, FromContext, IntoAgentError, IntoOutcome, Outcome, Result,
};

/// Several tasks at once, for models that are faster so: the parameter of a stage with the option `batch`.
///
/// It holds one `T` for each task: a parameter as other agents take them, or a tuple of several. A task for which it cannot be
/// resolved fails alone, and is not in the batch. The way out of a batch is [`map`](Self::map) or [`zip`](Self::zip), so that
/// each task has one outcome; an error that is returned there fails its own task alone.
///
/// ```
/// use runner_sdk::prelude::*;
///
/// #[stage("Embed", batch = 32)]
/// fn embed(batch: Batch<(SingleFrame, LabelRow)>) -> Result<Outcomes> {
///     let pictures = batch.iter().map(|(frame, _)| Ok(frame.resize(8, 8)?.rgb()));
///     let scores = scores(&pictures.collect::<Result<Vec<_>>>()?);
///     batch.zip(scores, |(_, row), score| {
///         row.set_priority(score)?;
///         row.save()?;
///         Ok(Pathway::named("Review"))
///     })
/// }
///
/// fn scores(pictures: &[Vec<u8>]) -> Vec<f64> {
///     pictures.iter().map(|rgb| f64::from(rgb[0]) / 255.0).collect()
/// }
/// ```
///
/// Each task has values of its own of what it [`Depends`](crate::Depends) on. The limit of memory is that of one call, whatever
/// the number of tasks; that of time is multiplied by it.
#[derive(Debug)]
pub struct Batch<T> {
    tasks: Vec<T>,
}

impl<T> Batch<T> {
    /// Decides on each task by itself. What can be returned is what agents can return, in a `Result`.
    pub fn map<R: IntoOutcome>(self, mut decide: impl FnMut(T) -> Result<R>) -> Outcomes {
        let tasks = self.tasks.into_iter();
        Outcomes(tasks.map(|task| decide(task)?.into_outcome()).collect())
    }

    /// Decides on each task, with what was made for it: the values are in the order of the tasks.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if there are more values than tasks, or fewer.
    pub fn zip<V, R: IntoOutcome>(
        self,
        values: impl IntoIterator<Item = V>,
        mut decide: impl FnMut(T, V) -> Result<R>,
    ) -> Result<Outcomes> {
        let values: Vec<_> = values.into_iter().collect();
        if values.len() != self.tasks.len() {
            let (expected, found) = (self.tasks.len(), values.len());
            return Err(Error::InvalidArgument(format!(
                "expected one value for each of the {expected} tasks of the batch, found {found}"
            ))
            .into());
        }
        let mut values = values.into_iter();
        Ok(self.map(|task| {
            let value = values.next().expect("they were counted");
            decide(task, value)
        }))
    }
}

impl<T> Deref for Batch<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.tasks
    }
}

/// What becomes of the tasks of a [`Batch`], which makes it.
#[derive(Debug)]
#[must_use = "outcomes have an effect only when the agent returns them"]
pub struct Outcomes(Vec<Result<Outcome>>);

/// What a stage with the option `batch` can return.
#[diagnostic::on_unimplemented(
    message = "an agent that takes a batch cannot return a `{Self}`",
    label = "does not have one outcome for each task",
    note = "return what `batch.map(..)` or `batch.zip(..)` gives: `Outcomes`, or a `Result` of it"
)]
pub trait IntoOutcomes {
    /// One for each task.
    ///
    /// # Errors
    /// That of each task.
    fn into_outcomes(self) -> Result<Outcomes>;
}

impl IntoOutcomes for Outcomes {
    fn into_outcomes(self) -> Result<Outcomes> {
        Ok(self)
    }
}

impl<E: IntoAgentError> IntoOutcomes for Result<Outcomes, E> {
    fn into_outcomes(self) -> Result<Outcomes> {
        self.map_err(E::into_agent_error)
    }
}

/// The parameter of a stage with the option `batch`. Only for code that `#[stage]` generates.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "an agent with the option `batch` cannot take a `{Self}`",
    label = "not a batch",
    note = "it takes one `Batch` of what there is for each task: `Batch<LabelRow>`, `Batch<(SingleFrame, LabelRow)>`"
)]
pub trait TakesBatch: Sized {
    fn declare(declaration: &mut Declaration);

    fn run(
        contexts: &[Context],
        agent: impl FnOnce(Self) -> Result<Outcomes>,
    ) -> Vec<Result<Outcome>>;
}

impl<T: FromContext> TakesBatch for Batch<T> {
    fn declare(declaration: &mut Declaration) {
        T::declare(declaration);
    }

    fn run(
        contexts: &[Context],
        agent: impl FnOnce(Self) -> Result<Outcomes>,
    ) -> Vec<Result<Outcome>> {
        run(contexts.iter().map(T::resolve), agent)
    }
}

fn run<T>(
    resolved: impl Iterator<Item = Result<T>>,
    agent: impl FnOnce(Batch<T>) -> Result<Outcomes>,
) -> Vec<Result<Outcome>> {
    let mut tasks = Vec::new();
    let failures: Vec<_> = resolved
        .map(|task| task.map(|task| tasks.push(task)).err())
        .collect();
    let count = tasks.len();
    let outcomes = if count == 0 {
        Vec::new()
    } else {
        match agent(Batch { tasks }) {
            Ok(Outcomes(outcomes)) => outcomes,
            Err(error) => vec![Err(error); count],
        }
    };
    let mut outcomes = outcomes.into_iter();
    failures
        .into_iter()
        .map(|failure| match failure {
            Some(error) => Err(error),
            None => outcomes
                .next()
                .expect("a batch gives one outcome for each of its tasks"),
        })
        .collect()
}

impl batch_agent::Guest for Plugin {
    fn run_batch(
        stage: String,
        contexts: Vec<batch_agent::Context>,
    ) -> Result<Vec<Result<batch_agent::Outcome, Error>>, Error> {
        crate::logging::tell_panics();
        let stage = find(&stage)?;
        let contexts: Vec<_> = contexts
            .into_iter()
            .map(|context| Context::new(context, stage.twin))
            .collect();
        let outcomes = stage.run.many(&contexts);
        contexts
            .iter()
            .for_each(|context| context.cache().tear_down());
        Ok(outcomes
            .into_iter()
            .map(|outcome| match outcome {
                Ok(outcome) => Ok(outcome.into()),
                Err(error) => Err(error.into()),
            })
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AgentError;

    #[test]
    fn what_cannot_be_resolved_fails_alone() {
        let missing = || AgentError::fatal("no row");
        let outcomes = run([Ok("a"), Err(missing()), Ok("b")].into_iter(), |batch| {
            assert_eq!(*batch, ["a", "b"]);
            batch.zip([1, 2], |task, number| match number {
                1 => Ok(task),
                _ => Err(AgentError::retry(task)),
            })
        });
        let expected = [
            Ok(Outcome::to("a")),
            Err(missing()),
            Err(AgentError::retry("b")),
        ];
        assert_eq!(outcomes, expected);
    }

    #[test]
    fn an_error_is_that_of_each_task() {
        let outcomes = run([Ok(1), Ok(2)].into_iter(), |_| {
            Err(AgentError::retry("later"))
        });
        assert_eq!(outcomes, vec![Err(AgentError::retry("later")); 2]);
    }

    #[test]
    fn values_are_counted() {
        let batch = || Batch { tasks: vec![1, 2] };
        for values in [vec![], vec![1], vec![1, 2, 3]] {
            assert!(batch().zip(values, |_, _| Ok(())).is_err());
        }
        assert!(batch().zip([1, 2], |_, _| Ok(())).is_ok());
    }

    #[test]
    fn an_agent_is_not_called_for_nothing() {
        let outcomes = run(
            [Err::<(), _>(AgentError::retry("later"))].into_iter(),
            |_| unreachable!("there is nothing"),
        );
        assert_eq!(outcomes.len(), 1);
    }
}
