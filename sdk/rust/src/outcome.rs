use crate::bindings::exports::runner::stage::{agent as wit, batch_agent};
use crate::{AgentError, Result, StagePathway, Uuid};

/// The way on from a stage: the name of one of its pathways, compared exactly, or the UUID of one.
///
/// A pathway that the stage lacks fails the task, and the message lists those that it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pathway(String);

impl Pathway {
    /// The pathway with this name.
    pub fn named(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The pathway with this UUID, which stays the same if somebody renames it.
    pub fn uuid(uuid: Uuid) -> Self {
        Self(uuid.to_string())
    }
}

impl From<&str> for Pathway {
    fn from(name_or_uuid: &str) -> Self {
        Self(name_or_uuid.into())
    }
}

impl From<String> for Pathway {
    fn from(name_or_uuid: String) -> Self {
        Self(name_or_uuid)
    }
}

impl From<Uuid> for Pathway {
    fn from(uuid: Uuid) -> Self {
        Self::uuid(uuid)
    }
}

impl From<StagePathway> for Pathway {
    fn from(pathway: StagePathway) -> Self {
        Self(pathway.uuid)
    }
}

/// What becomes of the task.
///
/// ```
/// use runner_sdk::Outcome;
///
/// let first = Outcome::to("Review").priority(0.9);
/// let later = Outcome::stay().priority(0.1);
/// # assert_ne!(first, later);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "an outcome has an effect only when the agent returns it"]
pub struct Outcome {
    pathway: Option<Pathway>,
    priority: Option<f64>,
}

impl Outcome {
    /// The task goes on along this pathway.
    pub fn to(pathway: impl Into<Pathway>) -> Self {
        Self {
            pathway: Some(pathway.into()),
            priority: None,
        }
    }

    /// The task stays at the stage. What the agent saved is saved.
    pub fn stay() -> Self {
        Self {
            pathway: None,
            priority: None,
        }
    }

    /// Sets the task's priority, from 0 (last) to 1 (first). A value out of range fails the task.
    /// Not called: the priority is what [`LabelRow::set_priority`](crate::LabelRow::set_priority) made
    /// of it, otherwise unchanged.
    pub fn priority(mut self, priority: f64) -> Self {
        self.priority = Some(priority);
        self
    }
}

impl From<Outcome> for wit::Outcome {
    fn from(outcome: Outcome) -> Self {
        Self {
            pathway: outcome.pathway.map(|pathway| pathway.0),
            priority: outcome.priority,
        }
    }
}

impl From<Outcome> for batch_agent::Outcome {
    fn from(outcome: Outcome) -> Self {
        let wit::Outcome { pathway, priority } = outcome.into();
        Self { pathway, priority }
    }
}

/// What an agent can return.
///
/// | returned | the task |
/// |---|---|
/// | [`Pathway`] | goes along it |
/// | `&str`, `String`, [`Uuid`], [`StagePathway`] | goes along the pathway with this name or UUID |
/// | `Option` of those | goes along it; `None`: stays at the stage |
/// | `()` | stays at the stage |
/// | [`Outcome`] | goes or stays, and its priority may be set |
/// | `Result` of any of these | with `Err`: fails; see [`AgentError`] |
#[diagnostic::on_unimplemented(
    message = "an agent cannot return a `{Self}`",
    label = "says nothing about where the task goes",
    note = "an agent returns `Pathway`, `&str`, `String` or `Uuid` (a pathway), an `Option` of those \
            (`None`: the task stays), `()` (the task stays), `Outcome`, or a `Result` of any of these"
)]
pub trait IntoOutcome {
    /// The outcome of the attempt.
    ///
    /// # Errors
    /// If the agent failed.
    fn into_outcome(self) -> Result<Outcome>;
}

impl IntoOutcome for Outcome {
    fn into_outcome(self) -> Result<Outcome> {
        Ok(self)
    }
}

impl IntoOutcome for () {
    fn into_outcome(self) -> Result<Outcome> {
        Ok(Outcome::stay())
    }
}

impl IntoOutcome for Pathway {
    fn into_outcome(self) -> Result<Outcome> {
        Ok(Outcome::to(self))
    }
}

impl IntoOutcome for StagePathway {
    fn into_outcome(self) -> Result<Outcome> {
        Ok(Outcome::to(self))
    }
}

impl IntoOutcome for &str {
    fn into_outcome(self) -> Result<Outcome> {
        Ok(Outcome::to(self))
    }
}

impl IntoOutcome for String {
    fn into_outcome(self) -> Result<Outcome> {
        Ok(Outcome::to(self))
    }
}

impl IntoOutcome for Uuid {
    fn into_outcome(self) -> Result<Outcome> {
        Ok(Outcome::to(self))
    }
}

impl<T: IntoOutcome> IntoOutcome for Option<T> {
    fn into_outcome(self) -> Result<Outcome> {
        self.map_or_else(|| Ok(Outcome::stay()), T::into_outcome)
    }
}

impl<T: IntoOutcome, E: IntoAgentError> IntoOutcome for Result<T, E> {
    fn into_outcome(self) -> Result<Outcome> {
        self.map_err(E::into_agent_error)?.into_outcome()
    }
}

/// What an agent can fail with: an [`AgentError`], and every type that implements
/// [`std::error::Error`].
#[diagnostic::on_unimplemented(
    message = "an agent cannot fail with a `{Self}`",
    label = "does not say what went wrong",
    note = "an agent fails with an `AgentError`, or with any type that implements `std::error::Error`",
    note = "make one of a text by `AgentError::retry(..)` or `AgentError::fatal(..)`"
)]
pub trait IntoAgentError {
    /// The same error, as the host is told it.
    fn into_agent_error(self) -> AgentError;
}

// The compiler would speak of this implementation's bound instead of the text above.
#[diagnostic::do_not_recommend]
impl<E: Into<AgentError>> IntoAgentError for E {
    fn into_agent_error(self) -> AgentError {
        self.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uuid;

    fn sent(returned: impl IntoOutcome) -> (Option<String>, Option<f64>) {
        let outcome: wit::Outcome = returned.into_outcome().expect("it is no error").into();
        (outcome.pathway, outcome.priority)
    }

    #[test]
    fn whatever_names_a_pathway_moves_the_task() {
        let keep = (Some("keep".to_owned()), None);
        assert_eq!(sent(Pathway::named("keep")), keep);
        assert_eq!(sent("keep"), keep);
        assert_eq!(sent("keep".to_owned()), keep);
        assert_eq!(sent(Some("keep")), keep);
        assert_eq!(sent(Ok::<_, AgentError>(Some(Pathway::from("keep")))), keep);
        assert_eq!(sent(Outcome::to("keep").priority(0.0)), (keep.0, Some(0.0)));

        let id = "49a786f3-5edf-4b94-aff0-3da9042d3bf0";
        let by_uuid = (Some(id.to_owned()), None);
        assert_eq!(sent(uuid!("49A786F35EDF4B94AFF03DA9042D3BF0")), by_uuid);
        let listed = StagePathway {
            uuid: id.to_owned(),
            name: "keep".to_owned(),
            destination_uuid: None,
        };
        assert_eq!(sent(listed), by_uuid);
    }

    #[test]
    fn nothing_leaves_the_task_where_it_is() {
        assert_eq!(sent(()), (None, None));
        assert_eq!(sent(None::<&str>), (None, None));
        assert_eq!(sent(Outcome::stay().priority(0.5)), (None, Some(0.5)));
    }

    #[test]
    fn errors_of_every_kind_are_the_agents() {
        let fatal = Err::<(), _>(AgentError::fatal("no"));
        assert_eq!(fatal.into_outcome(), Err(AgentError::fatal("no")));
        let plain = "x".parse::<u8>().map(|_| "keep");
        assert_eq!(
            plain.into_outcome(),
            Err(AgentError::retry("invalid digit found in string"))
        );
    }
}
