//! What a process takes, second by second, and whether that stays the same.

use super::Result;

/// More memory than this at the end is growth, whatever the part of the whole: 16 MiB.
const MORE_MEMORY: u64 = 16 << 10;
/// More open files than this at the end are growth.
const MORE_FILES: u64 = 8;

/// What a process takes at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Resident memory, in KiB.
    pub memory: u64,
    /// Open files, sockets among them.
    pub files: u64,
}

impl Sample {
    /// Of a running process.
    ///
    /// # Errors
    /// If there is none, or the system does not say.
    pub fn of(process: u32) -> Result<Self> {
        let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let memory = line.and_then(|line| line.split_whitespace().next());
        let files = std::fs::read_dir(format!("/proc/{process}/fd"))?.count();
        Ok(Self {
            memory: memory.ok_or("the process has no memory")?.parse()?,
            files: files as u64,
        })
    }
}

/// Samples of a long life, one for each second.
#[derive(Debug, Clone, Default)]
pub struct Curve(Vec<Sample>);

impl Curve {
    /// Adds one.
    pub fn push(&mut self, sample: Sample) {
        self.0.push(sample);
    }

    /// Compares the fifth of the samples after a warm-up of a fifth with the last fifth, median with median.
    ///
    /// # Errors
    /// If memory has grown by more than a tenth and more than 16 MiB, or open files by more than 8.
    pub fn check(&self) -> Result<()> {
        let part = self.0.len() / 5;
        if part < 5 {
            return Err(format!("{} samples are too few", self.0.len()).into());
        }
        let early = median(&self.0[part..2 * part]);
        let late = median(&self.0[self.0.len() - part..]);
        let allowed = early.memory + MORE_MEMORY.max(early.memory / 10);
        if late.memory > allowed {
            let text = format!(
                "memory grows: {} MiB after the warm-up, {} MiB at the end ({self})",
                early.memory >> 10,
                late.memory >> 10
            );
            return Err(text.into());
        }
        if late.files > early.files + MORE_FILES {
            let text = format!(
                "open files grow: {} after the warm-up, {} at the end ({self})",
                early.files, late.files
            );
            return Err(text.into());
        }
        Ok(())
    }
}

/// Ten numbers: the medians of as many parts, in MiB and files.
impl std::fmt::Display for Curve {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts = self.0.chunks(self.0.len().div_ceil(10).max(1)).map(median);
        let parts: Vec<_> = parts.collect();
        let memory: Vec<_> = parts
            .iter()
            .map(|part| (part.memory >> 10).to_string())
            .collect();
        let files: Vec<_> = parts.iter().map(|part| part.files.to_string()).collect();
        write!(
            f,
            "memory {} MiB, open files {}",
            memory.join(" "),
            files.join(" ")
        )
    }
}

fn median(samples: &[Sample]) -> Sample {
    let middle = |mut values: Vec<u64>| {
        values.sort_unstable();
        values[values.len() / 2]
    };
    Sample {
        memory: middle(samples.iter().map(|sample| sample.memory).collect()),
        files: middle(samples.iter().map(|sample| sample.files).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(of: impl Fn(u64) -> Sample) -> Curve {
        Curve((0..100).map(of).collect())
    }

    #[test]
    fn growth_is_told_from_noise() {
        let flat = curve(|second| Sample {
            memory: (80 << 10) + second % 10 * 1_000,
            files: 20 + second % 7,
        });
        assert!(flat.check().is_ok());
        let more_memory = curve(|second| Sample {
            memory: (80 << 10) + second * 400,
            files: 20,
        });
        assert!(more_memory.check().is_err());
        let more_files = curve(|second| Sample {
            memory: 80 << 10,
            files: 20 + second / 5,
        });
        assert!(more_files.check().is_err());
        // What the warm-up takes does not count.
        let warm_up = curve(|second| Sample {
            memory: (10 << 10) * second.min(19),
            files: second.min(19),
        });
        assert!(warm_up.check().is_ok());
    }
}
