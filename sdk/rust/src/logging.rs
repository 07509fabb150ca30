use std::fmt;

pub use crate::bindings::runner::stage::logging::Level;

/// Writes a message to the host's log, where it appears with the task and the stage. Never fails.
///
/// The macros [`trace!`](crate::trace), [`debug!`](crate::debug), [`info!`](crate::info),
/// [`warn!`](crate::warn) and [`error!`](crate::error) are shorter. Messages over the host's limit per
/// attempt (default 64 KiB, shared with standard output and error) are cut.
///
/// In a native program, such as the unit tests of a plugin, there is no host: messages go to standard
/// error.
pub fn log(level: Level, message: impl fmt::Display) {
    let message = message.to_string();
    #[cfg(target_family = "wasm")]
    crate::bindings::runner::stage::logging::log(level, &message);
    #[cfg(not(target_family = "wasm"))]
    {
        use std::io::Write as _;
        // Nothing to be done about a closed standard error; logging never fails.
        let _ = writeln!(std::io::stderr(), "{level:?}: {message}");
    }
}

/// A panic on `wasm32-unknown-unknown` would be lost: `std` has no standard error there. With WASI it
/// writes the message itself, and the host shows it with the trap that follows.
pub(crate) fn tell_panics() {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    std::panic::set_hook(Box::new(|panic| log(Level::Error, panic)));
}

/// Logs a message at level `trace`. Takes what [`format!`] takes.
#[macro_export]
macro_rules! trace {
    ($($part:tt)+) => {
        $crate::log($crate::Level::Trace, ::core::format_args!($($part)+))
    };
}

/// Logs a message at level `debug`. Takes what [`format!`] takes.
#[macro_export]
macro_rules! debug {
    ($($part:tt)+) => {
        $crate::log($crate::Level::Debug, ::core::format_args!($($part)+))
    };
}

/// Logs a message at level `info`. Takes what [`format!`] takes.
#[macro_export]
macro_rules! info {
    ($($part:tt)+) => {
        $crate::log($crate::Level::Info, ::core::format_args!($($part)+))
    };
}

/// Logs a message at level `warn`. Takes what [`format!`] takes.
#[macro_export]
macro_rules! warn {
    ($($part:tt)+) => {
        $crate::log($crate::Level::Warn, ::core::format_args!($($part)+))
    };
}

/// Logs a message at level `error`. Takes what [`format!`] takes.
#[macro_export]
macro_rules! error {
    ($($part:tt)+) => {
        $crate::log($crate::Level::Error, ::core::format_args!($($part)+))
    };
}
