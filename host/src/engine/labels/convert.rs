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
            Geometry::Bitmask(mask) => Self::Bitmask(mask.into()),
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

impl From<wit::Point> for labels::Point {
    fn from(point: wit::Point) -> Self {
        Self {
            x: point.x,
            y: point.y,
            z: point.z,
        }
    }
}

impl From<wit::Geometry> for labels::Geometry {
    fn from(geometry: wit::Geometry) -> Self {
        use wit::Geometry;
        match geometry {
            Geometry::BoundingBox(bounds) => Self::BoundingBox(bounds.into()),
            Geometry::RotatableBoundingBox(wit::RotatableBoundingBox {
                x,
                y,
                width,
                height,
                theta,
            }) => Self::RotatableBoundingBox(labels::RotatableBoundingBox {
                x,
                y,
                width,
                height,
                theta,
            }),
            Geometry::Polygon(polygon) => {
                let ring = |ring: Vec<wit::Point>| ring.into_iter().map(Into::into).collect();
                let area = |area: Vec<Vec<wit::Point>>| area.into_iter().map(ring).collect();
                Self::Polygon(polygon.areas.into_iter().map(area).collect())
            }
            Geometry::Polyline(points) => {
                Self::Polyline(points.into_iter().map(Into::into).collect())
            }
            Geometry::Point(point) => Self::Point(point.into()),
            Geometry::Skeleton(points) => {
                let point = |point: wit::SkeletonPoint| labels::SkeletonPoint {
                    x: point.x,
                    y: point.y,
                    name: point.name,
                    feature_hash: point.feature_hash,
                    visibility: point.visibility,
                };
                Self::Skeleton(points.into_iter().map(point).collect())
            }
            Geometry::Bitmask(mask) => Self::Bitmask(mask.into()),
            Geometry::Circle(wit::Circle {
                x,
                y,
                radius,
                stretch,
                theta,
            }) => Self::Circle(labels::Circle {
                x,
                y,
                radius,
                stretch,
                theta,
            }),
            Geometry::Ellipse(wit::Ellipse {
                x,
                y,
                radius_x,
                radius_y,
                theta,
            }) => Self::Ellipse(labels::Ellipse {
                x,
                y,
                radius_x,
                radius_y,
                theta,
            }),
            Geometry::Cuboid(wit::Cuboid {
                position,
                orientation,
                size,
            }) => Self::Cuboid(labels::Cuboid {
                position: position.into(),
                orientation: orientation.into(),
                size: size.into(),
            }),
            Geometry::Other(json) => Self::Other(json),
        }
    }
}

impl From<wit::Bitmask> for labels::Bitmask {
    fn from(mask: wit::Bitmask) -> Self {
        let wit::Bitmask {
            top,
            left,
            width,
            height,
            rle,
        } = mask;
        Self {
            top,
            left,
            width,
            height,
            rle,
        }
    }
}

impl From<labels::Bitmask> for wit::Bitmask {
    fn from(mask: labels::Bitmask) -> Self {
        let labels::Bitmask {
            top,
            left,
            width,
            height,
            rle,
        } = mask;
        Self {
            top,
            left,
            width,
            height,
            rle,
        }
    }
}

impl From<wit::Cuboid2d> for labels::Cuboid2d {
    fn from(cuboid: wit::Cuboid2d) -> Self {
        Self {
            front: cuboid.front.into_iter().map(Into::into).collect(),
            projection: match cuboid.projection {
                wit::Projection::Perspective(perspective) => {
                    labels::Projection::Perspective(labels::Perspective {
                        vanishing_point: perspective.vanishing_point.into(),
                        scale_ratio: perspective.scale_ratio,
                    })
                }
                wit::Projection::Isometric(offset) => labels::Projection::Isometric(offset.into()),
            },
        }
    }
}

impl From<labels::Cuboid2d> for wit::Cuboid2d {
    fn from(cuboid: labels::Cuboid2d) -> Self {
        Self {
            front: cuboid.front.into_iter().map(Into::into).collect(),
            projection: match cuboid.projection {
                labels::Projection::Perspective(perspective) => {
                    wit::Projection::Perspective(wit::Perspective {
                        vanishing_point: perspective.vanishing_point.into(),
                        scale_ratio: perspective.scale_ratio,
                    })
                }
                labels::Projection::Isometric(offset) => wit::Projection::Isometric(offset.into()),
            },
        }
    }
}

impl From<wit::HtmlRange> for labels::HtmlRange {
    fn from(range: wit::HtmlRange) -> Self {
        let node = |node: wit::HtmlNode| labels::HtmlNode {
            xpath: node.xpath,
            offset: node.offset,
        };
        Self {
            start: node(range.start),
            end: node(range.end),
        }
    }
}

impl From<labels::HtmlRange> for wit::HtmlRange {
    fn from(range: labels::HtmlRange) -> Self {
        let node = |node: labels::HtmlNode| wit::HtmlNode {
            xpath: node.xpath,
            offset: node.offset,
        };
        Self {
            start: node(range.start),
            end: node(range.end),
        }
    }
}

impl From<labels::Copied> for wit::CopiedLabels {
    fn from(copied: labels::Copied) -> Self {
        Self {
            objects: copied.objects,
            classifications: copied.classifications,
            left_out: copied.left_out,
        }
    }
}
