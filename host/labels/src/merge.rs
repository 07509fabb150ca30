//! Bringing an agent's edit of a label row onto the row as somebody else left it meanwhile.
//!
//! What is edited is an object or a classification with all that belongs to it, wherever in the document that is.
//! Two edits that touch none in common are both kept. The rest of the document is taken key by key; what the
//! service decides of it is never an edit. [`print`] says which differences between documents are none.

mod apply;
mod overlap;
mod print;
mod rest;
mod units;

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::classification::places;
use print::Print;
use rest::Path;
use units::{Kind, Piece, Pieces, Place, SECTIONS, Unit};

/// So many conflicts are named in a message.
const MOST_NAMED: usize = 3;

/// What an agent's edit of a label row touched: enough to bring it onto a row that somebody else edited meanwhile.
///
/// It has a fingerprint of what each touched object, classification and key was before, not what it was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edits {
    /// By hash; none if there was no such object.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    objects: BTreeMap<String, Option<Print>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    classifications: BTreeMap<String, Option<Print>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    rest: Vec<(Path, Option<Print>)>,
}

/// A row with an edit brought onto it.
#[derive(Debug, Clone, PartialEq)]
pub enum Onto {
    /// The row has all of the edit already: an earlier request got through.
    Saved,
    /// The row as it is to be saved.
    Merged(Value),
}

/// Why an edit cannot be brought onto a row: somebody else edited the same meanwhile. The sentence names some of
/// what both edited, and says how many there are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Conflict(String);

/// How something in the row stands to an edit of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// As it was before the edit.
    Before,
    /// As the edit left it.
    After,
    /// As somebody else left it.
    Other,
}

impl Edits {
    /// What differs between a row as it was read and as it was left. Takes time in proportion to the documents,
    /// and more only for what differs.
    pub fn between(before: &Value, after: &Value) -> Self {
        let mut edits = Self {
            rest: rest::changed(before, after),
            ..Self::default()
        };
        let suspects = units::suspects(before, after);
        let (old, new) = (
            units::pieces(before, &suspects.all),
            units::pieces(after, &suspects.all),
        );
        for unit in suspects.in_order {
            let print = print_of(&old, unit);
            // Mostly something drawn was added: nothing else need be known of it.
            let is_added = print.is_none() && new.get(&unit).is_some_and(|new| is_drawn(new));
            if is_added || print != print_of(&new, unit) {
                let touched = match unit.kind {
                    Kind::Object => &mut edits.objects,
                    Kind::Classification => &mut edits.classifications,
                };
                touched.insert(unit.hash.to_owned(), print);
            }
        }
        edits
    }

    /// True if nothing was edited.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.classifications.is_empty() && self.rest.is_empty()
    }

    /// Brings the edit onto the row as the server has it now. `after` is the row as the edit left it.
    ///
    /// The result is `theirs` with each touched object and classification as in `after`; everything else stays.
    ///
    /// # Errors
    /// [`Conflict`] if something that the edit touched is neither as it was before nor as the edit left it, if
    /// its data unit or space is gone, or if a frame would get a second classification of a feature.
    pub fn onto(&self, after: &Value, theirs: &Value) -> Result<Onto, Conflict> {
        let touched: HashSet<Unit<'_>> = self.units().map(|(unit, _)| unit).collect();
        let (now, left) = (
            units::pieces(theirs, &touched),
            units::pieces(after, &touched),
        );
        let mut conflicts = Conflicts::default();
        let mut to_put = HashSet::new();
        for (unit, before) in self.units() {
            match standing(before, print_of(&left, unit), print_of(&now, unit)) {
                Standing::After => {}
                Standing::Before if has_places(theirs, after, pieces_of(&left, unit)) => {
                    to_put.insert(unit);
                }
                _ => conflicts.add_unit(unit, &left, &now),
            }
        }
        let mut keys = Vec::new();
        for (path, before) in &self.rest {
            let there = rest::at(theirs, path);
            let wanted = rest::at(after, path).unwrap_or_default();
            let there = there
                .map(|there| standing(*before, Print::of_value(wanted), Print::of_value(there)));
            match there {
                Ok(Standing::After) => {}
                Ok(Standing::Before) => keys.push((path, wanted)),
                _ => conflicts.keys.push(path.join("/")),
            }
        }
        for unit in overlap::seconds(after, theirs, &to_put) {
            conflicts.add_unit(unit, &left, &now);
        }
        conflicts.check()?;
        if to_put.is_empty() && keys.is_empty() {
            return Ok(Onto::Saved);
        }
        let mut row = apply::apply(theirs, after, &to_put);
        for (path, value) in keys {
            rest::put(&mut row, path, value);
        }
        Ok(Onto::Merged(row))
    }

    /// Whether a row has something that the edit added: then the edit had been saved, whatever others did to the row since.
    ///
    /// To be asked only of an edit that was sent before: an agent can add what it copied from elsewhere, hash and all.
    pub fn was_saved(&self, theirs: &Value) -> bool {
        let added = self.units().filter(|(_, before)| before.is_none());
        let added: HashSet<Unit<'_>> = added.map(|(unit, _)| unit).collect();
        if added.is_empty() {
            return false;
        }
        let there = units::pieces(theirs, &added);
        added.iter().any(|unit| print_of(&there, *unit).is_some())
    }

    /// What was touched, with what it was before.
    fn units(&self) -> impl Iterator<Item = (Unit<'_>, Option<Print>)> {
        let objects = self.objects.iter().map(|touched| (Kind::Object, touched));
        let classifications = self.classifications.iter();
        let classifications = classifications.map(|touched| (Kind::Classification, touched));
        objects
            .chain(classifications)
            .map(|(kind, (hash, before))| (Unit { kind, hash }, *before))
    }
}

fn pieces_of<'a>(pieces: &'a Pieces<'a>, unit: Unit<'a>) -> &'a [Piece<'a>] {
    pieces.get(&unit).map_or(&[], Vec::as_slice)
}

fn print_of<'a>(pieces: &'a Pieces<'a>, unit: Unit<'a>) -> Option<Print> {
    Print::of(pieces_of(pieces, unit))
}

fn is_drawn(pieces: &[Piece<'_>]) -> bool {
    let mut places = pieces.iter().map(|piece| piece.place);
    places.any(|place| matches!(place, Place::Listed(_)))
}

/// How something that is `now` stands to an edit of `before` into `after`.
fn standing(before: Option<Print>, after: Option<Print>, now: Option<Print>) -> Standing {
    if now == after {
        return Standing::After;
    }
    if now == before {
        return Standing::Before;
    }
    // The SDK leaves out keys that it does not know, so somebody who saved another part of the row did, too.
    let is_bare = |then: Option<Print>| now.zip(then).is_some_and(|(now, then)| now.is_bare(&then));
    let edits_known = match (before, after) {
        (Some(before), Some(after)) => !before.is_like(&after),
        _ => true,
    };
    if is_bare(after) && edits_known {
        Standing::After
    } else if is_bare(before) {
        Standing::Before
    } else {
        Standing::Other
    }
}

/// True if `theirs` has the data units and spaces in which `after` has something.
fn has_places(theirs: &Value, after: &Value, pieces: &[Piece<'_>]) -> bool {
    let is_in = |row: &Value, section: &str, unit: &str| {
        let unit = row.get(section).and_then(|section| section.get(unit));
        unit.is_some_and(Value::is_object)
    };
    let stays = |section, unit: &str| is_in(theirs, section, unit) || !is_in(after, section, unit);
    let [_, spaces] = SECTIONS;
    pieces.iter().all(|piece| match piece.place {
        Place::Listed(list) => stays(list.section, list.unit),
        Place::Entry(_) => places(piece.json).all(|(space, _)| stays(spaces, space)),
    })
}

/// What both edited.
#[derive(Default)]
struct Conflicts {
    objects: Vec<String>,
    classifications: Vec<String>,
    keys: Vec<String>,
}

impl Conflicts {
    fn add_unit<'a>(&mut self, unit: Unit<'a>, left: &'a Pieces<'a>, now: &'a Pieces<'a>) {
        let all = match unit.kind {
            Kind::Object => &mut self.objects,
            Kind::Classification => &mut self.classifications,
        };
        let mut pieces = pieces_of(left, unit).iter().chain(pieces_of(now, unit));
        let name = pieces.find_map(|piece| name_of(piece.json));
        all.push(match name {
            Some(name) => format!("`{name}` (`{}`)", unit.hash),
            None => format!("`{}`", unit.hash),
        });
    }

    fn check(self) -> Result<(), Conflict> {
        let all = [
            ("object", self.objects),
            ("classification", self.classifications),
            ("key", self.keys),
        ];
        let found: Vec<String> = all
            .into_iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(kind, names)| Named(kind, &names).to_string())
            .collect();
        if found.is_empty() {
            return Ok(());
        }
        Err(Conflict(format!(
            "expected what was edited to be as it was when the label row was read, found that somebody else edited \
             {} meanwhile",
            found.join(" and ")
        )))
    }
}

/// The name of what a part belongs to.
fn name_of(json: &Value) -> Option<&str> {
    let own = json.get("name").and_then(Value::as_str);
    own.or_else(|| {
        // Of a classification there is the name of what was answered. The root attribute stands last.
        json.get("classificationHash")?;
        let answers = json.get("classifications")?.as_array()?;
        answers.last()?.get("name")?.as_str()
    })
}

/// How many of a kind there are, and some of them.
struct Named<'a>(&'static str, &'a [String]);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(kind, names) = self;
        let plural = if names.len() == 1 { "" } else { "s" };
        let some: Vec<_> = names.iter().take(MOST_NAMED).map(String::as_str).collect();
        write!(f, "{} {kind}{plural}, {}", names.len(), some.join(", "))?;
        match names.len().saturating_sub(MOST_NAMED) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}
