//! Between the values of the contract and those of the label documents.

use super::super::bindings::runner::stage::labels as wit;
use super::super::bindings::runner::stage::types::{Error, FrameRange};
use crate::labels;

impl From<labels::LabelError> for Error {
    fn from(error: labels::LabelError) -> Self {
        match error {
            labels::LabelError::NotFound(message) => Error::NotFound(message),
            labels::LabelError::InvalidArgument(message) => Error::InvalidArgument(message),
            labels::LabelError::Unsupported(message) => Error::Unsupported(message),
            labels::LabelError::Document(message) => Error::Other(message),
        }
    }
}

impl From<labels::FrameRange> for FrameRange {
    fn from(range: labels::FrameRange) -> Self {
        Self {
            start: range.start,
            end: range.end,
        }
    }
}

impl From<FrameRange> for labels::FrameRange {
    fn from(range: FrameRange) -> Self {
        Self {
            start: range.start,
            end: range.end,
        }
    }
}

impl From<wit::BoundingBox> for labels::BoundingBox {
    fn from(bounding_box: wit::BoundingBox) -> Self {
        let wit::BoundingBox {
            x,
            y,
            width,
            height,
        } = bounding_box;
        Self {
            x,
            y,
            width,
            height,
        }
    }
}

impl From<wit::AttributeAnswer> for labels::AttributeAnswer {
    fn from(answer: wit::AttributeAnswer) -> Self {
        Self {
            attribute: answer.attribute,
            value: match answer.value {
                wit::GivenAnswer::Text(text) => labels::GivenAnswer::Text(text),
                wit::GivenAnswer::Number(number) => labels::GivenAnswer::Number(number),
                wit::GivenAnswer::Options(options) => labels::GivenAnswer::Options(options),
            },
        }
    }
}

impl From<labels::Answer> for wit::Answer {
    fn from(answer: labels::Answer) -> Self {
        Self {
            feature_hash: answer.feature_hash,
            name: answer.name,
            value: match answer.value {
                labels::AnswerValue::Text(text) => wit::AnswerValue::Text(text),
                labels::AnswerValue::Number(number) => wit::AnswerValue::Number(number),
                labels::AnswerValue::Options(options) => {
                    wit::AnswerValue::Options(options.into_iter().map(Into::into).collect())
                }
                labels::AnswerValue::Other(json) => wit::AnswerValue::Other(json),
            },
            manual_annotation: answer.manual_annotation,
        }
    }
}

impl From<labels::ChosenOption> for wit::ChosenOption {
    fn from(option: labels::ChosenOption) -> Self {
        Self {
            feature_hash: option.feature_hash,
            name: option.name,
            value: option.value,
        }
    }
}

impl From<labels::DynamicAnswer> for wit::DynamicAnswer {
    fn from(answer: labels::DynamicAnswer) -> Self {
        Self {
            answer: answer.answer.into(),
            frames: answer.frames.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<labels::Annotation> for wit::Annotation {
    fn from(annotation: labels::Annotation) -> Self {
        Self {
            geometry: annotation.geometry.into(),
            confidence: annotation.confidence,
            manual_annotation: annotation.manual_annotation,
            is_deleted: annotation.is_deleted,
            created_at: annotation.created_at,
            created_by: annotation.created_by,
            last_edited_at: annotation.last_edited_at,
            last_edited_by: annotation.last_edited_by,
        }
    }
}

impl From<labels::Point> for wit::Point {
    fn from(point: labels::Point) -> Self {
        Self {
            x: point.x,
            y: point.y,
            z: point.z,
        }
    }
}

impl From<labels::Geometry> for wit::Geometry {
    fn from(geometry: labels::Geometry) -> Self {
        use labels::Geometry;
        match geometry {
            Geometry::BoundingBox(labels::BoundingBox {
                x,
                y,
                width,
                height,
            }) => Self::BoundingBox(wit::BoundingBox {
                x,
                y,
                width,
                height,
            }),
            Geometry::RotatableBoundingBox(labels::RotatableBoundingBox {
                x,
                y,
                width,
                height,
                theta,
            }) => Self::RotatableBoundingBox(wit::RotatableBoundingBox {
                x,
                y,
                width,
                height,
                theta,
            }),
            Geometry::Polygon(areas) => {
                let ring = |ring: Vec<labels::Point>| ring.into_iter().map(Into::into).collect();
                let area = |area: Vec<Vec<labels::Point>>| area.into_iter().map(ring).collect();
                Self::Polygon(wit::Polygon {
                    areas: areas.into_iter().map(area).collect(),
                })
            }
            Geometry::Polyline(points) => {
                Self::Polyline(points.into_iter().map(Into::into).collect())
            }
            Geometry::Point(point) => Self::Point(point.into()),
            Geometry::Skeleton(points) => {
                let point = |point: labels::SkeletonPoint| wit::SkeletonPoint {
                    x: point.x,
                    y: point.y,
                    name: point.name,
                    feature_hash: point.feature_hash,
                    visibility: point.visibility,
                };
                Self::Skeleton(points.into_iter().map(point).collect())
            }
            Geometry::Bitmask(labels::Bitmask {
                top,
                left,
                width,
                height,
                rle,
            }) => Self::Bitmask(wit::Bitmask {
                top,
                left,
                width,
                height,
                rle,
            }),
            Geometry::Circle(labels::Circle {
                x,
                y,
                radius,
                stretch,
                theta,
            }) => Self::Circle(wit::Circle {
                x,
                y,
                radius,
                stretch,
                theta,
            }),
            Geometry::Ellipse(labels::Ellipse {
                x,
                y,
                radius_x,
                radius_y,
                theta,
            }) => Self::Ellipse(wit::Ellipse {
                x,
                y,
                radius_x,
                radius_y,
                theta,
            }),
            Geometry::Cuboid(labels::Cuboid {
                position,
                orientation,
                size,
            }) => Self::Cuboid(wit::Cuboid {
                position: position.into(),
                orientation: orientation.into(),
                size: size.into(),
            }),
            Geometry::Other(json) => Self::Other(json),
        }
    }
}
