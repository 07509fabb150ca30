//! What an attempt may use, and the count of what it uses.

use std::time::Duration;

use wasmtime::ResourceLimiter;

/// Limits of one attempt. They are always on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of linear memory, over all memories of the instance. Default 256 MiB.
    pub memory: usize,
    /// Wall-clock time from the start of instantiation to the outcome. Default 60 s.
    pub time: Duration,
    /// Bytes that a guest may hand to the host in one call, or return. Default 16 MiB.
    pub value_bytes: usize,
    /// Bytes of log messages, standard output and standard error together. Default 64 KiB.
    pub log_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 256 << 20,
            time: Duration::from_secs(60),
            value_bytes: 16 << 20,
            log_bytes: 64 << 10,
        }
    }
}

/// What a component may do beyond deciding about its tasks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grants {
    /// Nothing.
    #[default]
    None,
    /// It may read from Encord's API.
    ClientRead,
    /// It may call all of Encord's API.
    Client,
}

/// Elements that the tables of one instance may have. Large Python plugins have some 20,000.
pub(super) const TABLE_ELEMENTS: usize = 200_000;

/// Core instances of one component: Python's have about 15.
pub(super) const CORE_INSTANCES: usize = 64;

/// Counts the memory and table elements of one store.
#[derive(Debug)]
pub(super) struct Meter {
    memory_limit: usize,
    memory: usize,
    table_elements: usize,
    /// Set once growth of memory was refused. The guest then usually traps, and this says why.
    pub(super) memory_refused: bool,
}

impl Meter {
    pub(super) fn new(memory_limit: usize) -> Self {
        Self {
            memory_limit,
            memory: 0,
            table_elements: 0,
            memory_refused: false,
        }
    }

    /// In bytes.
    pub(super) fn memory_limit(&self) -> usize {
        self.memory_limit
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let memory = self.memory.saturating_add(desired.saturating_sub(current));
        if memory > self.memory_limit {
            self.memory_refused = true;
            return Ok(false);
        }
        self.memory = memory;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let elements = self
            .table_elements
            .saturating_add(desired.saturating_sub(current));
        if elements > TABLE_ELEMENTS {
            return Ok(false);
        }
        self.table_elements = elements;
        Ok(true)
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES
    }

    fn memories(&self) -> usize {
        CORE_INSTANCES
    }

    fn tables(&self) -> usize {
        CORE_INSTANCES
    }
}
