use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::fmt;
use std::ops::Deref;
use std::rc::Rc;

use crate::{AgentError, Context, Declaration, FromContext, FromRun, Result, RunContext};

/// What [`Depends`] gives the value of. [`#[dependency]`](macro@crate::dependency) makes one of a function, and
/// [`named!`](crate::named) of a name that the user gives to a component; few need to implement it by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a dependency",
    label = "nothing that can be resolved",
    note = "dependencies are functions with `#[dependency]`, and what `named!` declares"
)]
pub trait Dependency: 'static {
    /// What it gives.
    type Value: ?Sized + 'static;

    /// For messages.
    const NAME: &'static str;

    /// Says what resolving it needs, as [`FromContext::declare`] does.
    fn declare(declaration: &mut Declaration) {
        let _ = declaration;
    }

    /// Makes the value, for one attempt. Called once in an attempt, whoever asks.
    ///
    /// # Errors
    /// That of those who asked.
    fn resolve(context: &Context) -> Result<Rc<Self::Value>>;

    /// Called with the value when the attempt has ended, also if it failed; the value is dropped after it.
    fn tear_down(value: &Self::Value) {
        let _ = value;
    }
}

/// A dependency that holds for the whole run, so that what is made once in a run can ask for it too.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not hold for the whole run",
    label = "made anew in each attempt",
    note = "what is made once in a run can depend on functions with `#[dependency(per_run)]`, and on what `named!` declares"
)]
pub trait RunDependency: Dependency {
    /// Makes the value, in the instance that makes another value of the run.
    ///
    /// # Errors
    /// That of those who asked.
    fn create(run: &RunContext) -> Result<Rc<Self::Value>>;
}

/// The value of a dependency, as a parameter: of an agent, or of another dependency, to any depth.
///
/// It is made once in an attempt, however many ask for it, and is read as if it were the value itself. When the attempt has
/// ended, also if it failed, the values are torn down and dropped in the reverse order of their making. A panic and a limit
/// end the plugin at once: then nothing is torn down, and the host frees what it held.
///
/// ```
/// use runner_sdk::prelude::*;
///
/// struct Verdict { dark: bool }
///
/// #[dependency]
/// fn brightness(frame: SingleFrame) -> f64 {
///     frame.brightness()
/// }
///
/// #[dependency]
/// fn verdict(brightness: Depends<brightness>, item: StorageItem) -> Result<Verdict> {
///     info!("{}: {:.0}", item.name(), *brightness);
///     Ok(Verdict { dark: *brightness < 40.0 })
/// }
///
/// #[stage("QA")]
/// fn qa(verdict: Depends<verdict>, brightness: Depends<brightness>) -> Outcome {
///     Outcome::to(if verdict.dark { "Reject" } else { "Keep" }).priority(*brightness / 255.0)
/// }
/// ```
///
/// What is needed only now and then is asked for when it is: `Depends::<verdict>::resolve(context)?`, which is not declared then.
pub struct Depends<D: Dependency> {
    value: Rc<D::Value>,
}

impl<D: Dependency<Value: Sized>> Depends<D> {
    /// A value in its place, for tests of the functions that take it: `assert!(verdict(Depends::of(12.0)).dark)`.
    pub fn of(value: D::Value) -> Self {
        let value = Rc::new(value);
        Self { value }
    }
}

impl<D: Dependency> Deref for Depends<D> {
    type Target = D::Value;

    fn deref(&self) -> &D::Value {
        &self.value
    }
}

impl<D: Dependency> Clone for Depends<D> {
    fn clone(&self) -> Self {
        let value = Rc::clone(&self.value);
        Self { value }
    }
}

impl<D: Dependency<Value: fmt::Debug>> fmt::Debug for Depends<D> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(formatter)
    }
}

impl<D: Dependency<Value: fmt::Display>> fmt::Display for Depends<D> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(formatter)
    }
}

impl<D: Dependency> FromContext for Depends<D> {
    fn declare(declaration: &mut Declaration) {
        declaration.depends(TypeId::of::<D>(), D::NAME, D::declare);
    }

    fn resolve(context: &Context) -> Result<Self> {
        let value = context.cache().get::<D>(|| D::resolve(context))?;
        Ok(Self { value })
    }
}

impl<D: RunDependency> FromRun for Depends<D> {
    fn declare_for_run(declaration: &mut Declaration) {
        declaration.depends(TypeId::of::<D>(), D::NAME, D::declare);
    }

    fn resolve_for_run(run: &RunContext) -> Result<Self> {
        let value = run.cache().get::<D>(|| D::create(run))?;
        Ok(Self { value })
    }
}

/// What was made in one attempt, in that order.
#[derive(Default)]
pub(crate) struct Cache {
    kept: RefCell<Vec<Kept>>,
    // What is being made now, each for the one before it.
    making: RefCell<Vec<(TypeId, &'static str)>>,
}

struct Kept {
    key: TypeId,
    value: Box<dyn Any>,
    tear_down: fn(&dyn Any),
}

impl Cache {
    fn get<D: Dependency>(
        &self,
        resolve: impl FnOnce() -> Result<Rc<D::Value>>,
    ) -> Result<Rc<D::Value>> {
        let tear_down = |value: &dyn Any| {
            if let Some(value) = value.downcast_ref::<Rc<D::Value>>() {
                D::tear_down(value);
            }
        };
        self.keep(TypeId::of::<D>(), D::NAME, tear_down, resolve)
    }

    /// A value of this type that is made once.
    pub(crate) fn once<T: Clone + 'static>(
        &self,
        resolve: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let name = std::any::type_name::<T>();
        self.keep(TypeId::of::<T>(), name, |_| (), resolve)
    }

    fn keep<V: Clone + 'static>(
        &self,
        key: TypeId,
        name: &'static str,
        tear_down: fn(&dyn Any),
        resolve: impl FnOnce() -> Result<V>,
    ) -> Result<V> {
        let kept = self
            .kept
            .borrow()
            .iter()
            .find(|kept| kept.key == key)
            .and_then(|kept| kept.value.downcast_ref::<V>().cloned());
        if let Some(value) = kept {
            return Ok(value);
        }
        // Of what was declared, cycles are found when the plugin is described. This is for what was not.
        if let Some(cycle) = cycle(&self.making.borrow(), key, name) {
            return Err(AgentError::fatal(cycle));
        }
        self.making.borrow_mut().push((key, name));
        let value = resolve();
        self.making.borrow_mut().pop();
        let value = value?;
        self.kept.borrow_mut().push(Kept {
            key,
            value: Box::new(value.clone()),
            tear_down,
        });
        Ok(value)
    }

    /// Drops all, in the reverse order of their making.
    pub(crate) fn tear_down(&self) {
        loop {
            // What is dropped may ask for others, so nothing is borrowed meanwhile.
            let Some(last) = self.kept.borrow_mut().pop() else {
                return;
            };
            (last.tear_down)(&*last.value);
        }
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Cache").finish_non_exhaustive()
    }
}

/// What is wrong if this one is needed on the way to itself.
pub(crate) fn cycle(
    way: &[(TypeId, &'static str)],
    key: TypeId,
    name: &'static str,
) -> Option<String> {
    let start = way.iter().position(|(on_way, _)| *on_way == key)?;
    let mut names: Vec<_> = way[start..].iter().map(|(_, name)| *name).collect();
    names.push(name);
    Some(format!(
        "expected dependencies without a cycle, found {}",
        names.join(" -> ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, PartialEq, Debug)]
    struct A(Rc<RefCell<Vec<&'static str>>>);
    #[derive(Clone, Debug)]
    struct B(A);

    impl Drop for A {
        fn drop(&mut self) {
            self.0.borrow_mut().push("a");
        }
    }

    impl Drop for B {
        fn drop(&mut self) {
            self.0.0.borrow_mut().push("b");
        }
    }

    #[test]
    fn values_are_made_once_and_dropped_in_reverse() {
        let dropped = Rc::default();
        let cache = Cache::default();
        let a = || cache.once(|| Ok(Rc::new(A(Rc::clone(&dropped)))));
        let b = || cache.once(|| Ok(Rc::new(B((*a()?).clone()))));
        drop((a(), b(), a(), b()));
        dropped.borrow_mut().clear();
        cache.tear_down();
        // The last is the part of `b`.
        assert_eq!(*dropped.borrow(), ["b", "a", "a"]);
    }

    #[test]
    fn a_failure_is_not_kept() {
        let cache = Cache::default();
        assert!(
            cache
                .once::<u8>(|| Err(AgentError::retry("later")))
                .is_err()
        );
        assert_eq!(cache.once(|| Ok(1_u8)), Ok(1));
        assert_eq!(cache.once(|| Ok(2_u8)), Ok(1));
    }

    #[test]
    fn what_needs_itself_is_an_error() {
        let cache = Cache::default();
        let error = cache
            .once(|| {
                cache
                    .once(|| cache.once(|| Ok(1_u8)).map(u16::from))
                    .map(|_| 1_u8)
            })
            .unwrap_err();
        assert_eq!(
            error,
            AgentError::fatal("expected dependencies without a cycle, found u8 -> u16 -> u8")
        );
    }
}
