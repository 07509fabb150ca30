//! Lists of objects and classifications that can be looked through.

use std::cell::OnceCell;
use std::ops::Deref;

use crate::frames::any_contains;
use crate::new_object::Place;
use crate::{ClassificationInstance, Error, ObjectInstance, Result};

/// Objects of a row or a space: a list, in the order in which the row has them, and ways to find some of them.
///
/// ```no_run
/// # use runner_sdk::prelude::*;
/// # fn agent(row: LabelRow) -> Result<()> {
/// let total = row.objects().len();
/// for car in row.objects().of("Car")?.on(0) {
///     info!("one of {total}: {} {:?}", car.object_hash(), car.geometry(0));
/// }
/// # Ok(())
/// # }
/// ```
///
/// It derefs to a slice, for `len()`, `is_empty()`, `first()`, `iter()` and all else. What is in it is taken from the
/// row when it is first looked at, once; so finding some objects does not cost a handle for each that there is.
#[derive(Clone, Debug)]
pub struct Objects {
    place: Place,
    list: OnceCell<Vec<ObjectInstance>>,
    // The host finds in all that the row has; in a part of it, this does.
    is_whole_row: bool,
}

impl Objects {
    pub(crate) fn of_place(place: Place) -> Self {
        Self {
            is_whole_row: matches!(place, Place::Row(_)),
            place,
            list: OnceCell::new(),
        }
    }

    /// Those of one feature, by feature hash or exact name.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the ontology has no such object, or several of the name. So a name that is
    /// misspelt is not mistaken for a row without such objects.
    pub fn of(&self, feature: &str) -> Result<Self, Error> {
        let row = self.place.row();
        let of_row = row.handle().objects_of(feature)?.into_iter();
        if self.is_whole_row {
            return Ok(self.part(
                of_row
                    .map(|object| ObjectInstance::new(row, object))
                    .collect(),
            ));
        }
        let hashes: Vec<String> = of_row.map(|object| object.object_hash()).collect();
        Ok(self.those(|object| hashes.contains(&object.object_hash())))
    }

    /// Those that are on a frame: a millisecond of a sound, a character of a text. Of a space's objects, those that
    /// are on that frame of the space; of a row with several spaces, those that are on that frame of any.
    #[must_use]
    pub fn on(&self, frame: u32) -> Self {
        match &self.place {
            Place::Row(row) if self.is_whole_row => {
                let objects = row.handle().objects_on(frame).into_iter();
                self.part(
                    objects
                        .map(|object| ObjectInstance::new(row, object))
                        .collect(),
                )
            }
            Place::Row(_) => self.those(|object| any_contains(&object.frames(), frame)),
            Place::Space(_, space) => {
                self.those(|object| any_contains(&space.frames(object.handle()), frame))
            }
        }
    }

    /// The one with this hash.
    pub fn find(&self, object_hash: &str) -> Option<ObjectInstance> {
        if self.is_whole_row {
            return self.place.row().find_object(object_hash);
        }
        let mut objects = self.iter();
        objects
            .find(|object| object.object_hash() == object_hash)
            .cloned()
    }

    fn listed(&self) -> &Vec<ObjectInstance> {
        self.list.get_or_init(|| {
            let row = self.place.row();
            let objects = match &self.place {
                Place::Row(row) => row.handle().objects(),
                Place::Space(_, space) => space.objects(),
            };
            let objects = objects.into_iter();
            objects
                .map(|object| ObjectInstance::new(row, object))
                .collect()
        })
    }
}

/// Classifications of a row or a space: a list, in the order in which the row has them, and ways to find some of
/// them.
///
/// ```no_run
/// # use runner_sdk::prelude::*;
/// # fn agent(row: LabelRow) -> Result<()> {
/// for weather in row.classifications().of("Weather")? {
///     info!("{:?} on {:?}", weather.answer("Weather")?.option(), weather.frames());
/// }
/// # Ok(())
/// # }
/// ```
///
/// It derefs to a slice, for `len()`, `is_empty()`, `first()`, `iter()` and all else. What is in it is taken from the
/// row when it is first looked at, once.
#[derive(Clone, Debug)]
pub struct Classifications {
    place: Place,
    list: OnceCell<Vec<ClassificationInstance>>,
    is_whole_row: bool,
}

impl Classifications {
    pub(crate) fn of_place(place: Place) -> Self {
        Self {
            is_whole_row: matches!(place, Place::Row(_)),
            place,
            list: OnceCell::new(),
        }
    }

    /// Those of one feature, by feature hash or exact title.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the ontology has no such classification, or several of the title.
    pub fn of(&self, feature: &str) -> Result<Self, Error> {
        let row = self.place.row();
        let of_row = row.handle().classifications_of(feature)?.into_iter();
        if self.is_whole_row {
            let found = of_row.map(|found| ClassificationInstance::new(row, found));
            return Ok(self.part(found.collect()));
        }
        let hashes: Vec<String> = of_row.map(|found| found.classification_hash()).collect();
        Ok(self.those(|found| hashes.contains(&found.classification_hash())))
    }

    /// Those that hold on a frame, among them those that hold for everything and so have no frames.
    #[must_use]
    pub fn on(&self, frame: u32) -> Self {
        self.those(|classification| {
            let frames = classification.frames();
            frames.is_empty() || any_contains(&frames, frame)
        })
    }

    /// The one with this hash.
    pub fn find(&self, classification_hash: &str) -> Option<ClassificationInstance> {
        if self.is_whole_row {
            return self.place.row().find_classification(classification_hash);
        }
        let mut classifications = self.iter();
        classifications
            .find(|found| found.classification_hash() == classification_hash)
            .cloned()
    }

    fn listed(&self) -> &Vec<ClassificationInstance> {
        self.list.get_or_init(|| {
            let row = self.place.row();
            let classifications = match &self.place {
                Place::Row(row) => row.handle().classifications(),
                Place::Space(_, space) => space.classifications(),
            };
            let classifications = classifications.into_iter();
            classifications
                .map(|found| ClassificationInstance::new(row, found))
                .collect()
        })
    }
}

/// What the two lists have in common.
macro_rules! list {
    ($list:ident of $instance:ident) => {
        impl $list {
            fn part(&self, instances: Vec<$instance>) -> Self {
                Self {
                    place: self.place.clone(),
                    list: OnceCell::from(instances),
                    is_whole_row: false,
                }
            }

            fn those(&self, wanted: impl Fn(&$instance) -> bool) -> Self {
                let found = self.iter().filter(|instance| wanted(instance));
                self.part(found.cloned().collect())
            }
        }

        impl Deref for $list {
            type Target = [$instance];

            fn deref(&self) -> &[$instance] {
                self.listed()
            }
        }

        impl IntoIterator for $list {
            type Item = $instance;
            type IntoIter = std::vec::IntoIter<$instance>;

            fn into_iter(self) -> Self::IntoIter {
                self.listed();
                self.list.into_inner().unwrap_or_default().into_iter()
            }
        }

        impl<'list> IntoIterator for &'list $list {
            type Item = &'list $instance;
            type IntoIter = std::slice::Iter<'list, $instance>;

            fn into_iter(self) -> Self::IntoIter {
                self.iter()
            }
        }

        impl From<$list> for Vec<$instance> {
            fn from(list: $list) -> Self {
                list.into_iter().collect()
            }
        }
    };
}

list!(Objects of ObjectInstance);
list!(Classifications of ClassificationInstance);
