//! What the plugin `counting` does with a task, by the number in its title: the same rules, written down a second time.

use uuid::Uuid;

/// A stage of `tests/projects/reliability.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// Where tasks begin.
    First,
    /// Serves batches.
    Second,
    /// The last with an agent.
    Third,
    /// One end.
    Good,
    /// The other.
    Bad,
}

impl Stage {
    /// Those with agents, in their order.
    pub const AGENTS: [Self; 3] = [Self::First, Self::Second, Self::Third];
    /// Those from which tasks are put back.
    pub const ENDS: [Self; 2] = [Self::Good, Self::Bad];

    /// Its identifier.
    pub const fn uuid(self) -> Uuid {
        let number = match self {
            Self::First => 0x61,
            Self::Second => 0x62,
            Self::Third => 0x63,
            Self::Good => 0x64,
            Self::Bad => 0x65,
        };
        Uuid::from_u128(0x22222222_2222_4222_8222_000000000000 | number)
    }

    /// The stage with this title.
    pub fn titled(title: &str) -> Option<Self> {
        let all = Self::AGENTS.into_iter().chain(Self::ENDS);
        all.into_iter().find(|stage| stage.title() == title)
    }

    /// Its title.
    pub const fn title(self) -> &'static str {
        match self {
            Self::First => "First",
            Self::Second => "Second",
            Self::Third => "Third",
            Self::Good => "Good",
            Self::Bad => "Bad",
        }
    }
}

/// What can be counted on a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// The classification "Passes".
    pub passes: u64,
    /// The key `seen` of the client metadata.
    pub seen: u64,
    /// Objects "Box".
    pub boxes: u64,
}

/// Boxes that a row has at most.
const MOST_BOXES: u64 = 6;

/// A task, by the number in its title.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Number(pub u64);

impl Number {
    /// The number that a title begins with.
    pub fn of(title: &str) -> Option<Self> {
        title.split('.').next()?.parse().ok().map(Self)
    }

    /// The name of its file.
    pub fn file(self) -> String {
        let ending = if self.is_picture() { "gif" } else { "txt" };
        format!("{:04}.{ending}", self.0)
    }

    /// Whether it is one; the others are texts.
    pub fn is_picture(self) -> bool {
        self.0 % 8 != 6
    }

    /// Whether a person has drawn on it before the plugin comes.
    pub fn is_marked(self) -> bool {
        self.is_picture() && self.0 % 4 == 1
    }

    /// The stages that it comes to, in this order. The last is where it ends.
    pub fn way(self) -> Vec<Stage> {
        if self.0 % 10 == 3 {
            return vec![Stage::First];
        }
        let mut way = vec![Stage::First];
        if self.0.is_multiple_of(2) {
            way.push(Stage::Second);
        }
        way.push(Stage::Third);
        if self.0 % 17 != 9 {
            way.push(if self.0 % 4 < 2 {
                Stage::Good
            } else {
                Stage::Bad
            });
        }
        way
    }

    /// Where it is when all is done.
    pub fn end(self) -> Stage {
        *self.way().last().expect("each begins somewhere")
    }

    /// Whether it leaves all agent stages. One that does not is seen in each pass.
    pub fn leaves(self) -> bool {
        Stage::ENDS.contains(&self.end())
    }

    /// What is counted on it once it has come to a stage on its n-th trip, from 1, and nothing was done there.
    /// `None` if it does not come there.
    pub fn counts(self, trip: u64, stage: Stage) -> Option<Counts> {
        let way = self.way();
        let at = way.iter().position(|one| *one == stage)?;
        let mut counts = Counts::default();
        let whole = (1..trip).flat_map(|_| &way);
        for decided in whole.chain(&way[..at]) {
            if Stage::ENDS.contains(decided) {
                continue;
            }
            counts.seen += u64::from(self.is_counted_at(*decided));
            counts.passes += u64::from(self.is_labelled_at(*decided));
        }
        Some(self.with_boxes(counts))
    }

    /// Decisions that were made on it once it has come to its end on its n-th trip.
    pub fn decisions(self, trip: u64) -> u64 {
        trip * (self.way().len() as u64 - 1)
    }

    /// What may be counted on it while a commit of this stage is under way: nothing of it was carried out, or its
    /// labels were saved, or its client metadata was replaced, too.
    pub fn counts_under_way(self, before: Counts, stage: Stage) -> Vec<Counts> {
        let mut possible = vec![before];
        if self.end() != stage {
            let passes = before.passes + u64::from(self.is_labelled_at(stage));
            let saved = self.with_boxes(Counts { passes, ..before });
            let seen = before.seen + u64::from(self.is_counted_at(stage));
            possible.extend([saved, Counts { seen, ..saved }]);
        }
        possible
    }

    fn is_labelled_at(self, stage: Stage) -> bool {
        stage != Stage::First || self.0 % 11 != 5
    }

    fn is_counted_at(self, stage: Stage) -> bool {
        stage != Stage::Third || self.0.is_multiple_of(3)
    }

    fn with_boxes(self, counts: Counts) -> Counts {
        let boxes = match counts.passes.checked_sub(1) {
            Some(before) if self.is_picture() => before % MOST_BOXES + 1,
            _ => 0,
        };
        Counts { boxes, ..counts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_over_stages_and_trips() {
        // By way of all stages, and labelled at each.
        let task = Number(4);
        assert_eq!(
            task.way(),
            [Stage::First, Stage::Second, Stage::Third, Stage::Good]
        );
        let counts = |trip, stage| task.counts(trip, stage).expect("it comes there");
        assert_eq!(counts(1, Stage::First), Counts::default());
        assert_eq!(counts(1, Stage::Third).passes, 2);
        let after_three = counts(3, Stage::Good);
        assert_eq!((after_three.passes, after_three.seen), (9, 6));
        assert_eq!(after_three.boxes, 3);
        // Not labelled at the first stage, and past the second.
        let task = Number(5);
        let counts = task.counts(2, Stage::Good).expect("it comes there");
        assert_eq!((counts.passes, counts.seen), (2, 2));
        assert_eq!(task.counts(1, Stage::Second), None);
        // Stays.
        assert!(!Number(13).leaves() && !Number(26).leaves());
    }
}
