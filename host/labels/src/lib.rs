//! The ontology and the label row: typed reading and editing of Encord's JSON documents.
//!
//! Everything here is plain data: nothing is fetched, nothing is saved, nothing waits. A [`LabelRow`]
//! holds the document as Encord sent it; reading looks things up in it, editing writes into a copy what
//! Encord's Python SDK would have written. What is not known here stays as it was.

mod answering;
mod answers;
mod checked;
mod classification;
mod classification_edit;
mod classification_place;
mod edit;
mod error;
mod feature;
mod form;
mod frames;
mod geometry;
mod given;
mod html;
mod index;
mod matching;
mod merge;
mod object;
mod ontology;
mod part;
mod placed;
mod placing;
mod questions;
mod ranges;
mod required;
pub mod rle;
mod row;
mod schema;
mod space;
mod structured;
mod template;
mod time;
mod transfer;
mod write;

#[cfg(test)]
mod tests;

pub use answers::{Answer, AnswerValue, ChosenOption, DynamicAnswer};
pub use classification::ClassificationInstance;
pub use error::{LabelError, OntologyError};
pub use frames::FrameRange;
pub use geometry::{
    Bitmask, BoundingBox, Circle, Cuboid, Cuboid2d, Ellipse, Geometry, Perspective, Point,
    Projection, RotatableBoundingBox, SkeletonPoint,
};
pub use given::{AttributeAnswer, GivenAnswer};
pub use html::{HtmlNode, HtmlRange};
pub use merge::{Conflict, Edits, Onto};
pub use object::{Annotation, ObjectInstance};
pub use ontology::{Attribute, AttributeOption, Ontology, OntologyClassification, OntologyObject};
pub use row::{DataUnit, LabelRow, RowFacts};
pub use space::Space;
pub use template::TemplatePoint;
pub use transfer::Copied;
