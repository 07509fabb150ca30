use std::borrow::Cow;
use std::ops::Deref;
use std::rc::Rc;

use crate::bindings::runner::stage::media as wit;
use crate::{
    Annotation, Bitmask, BoundingBox, Circle, Context, Declaration, Ellipse, Error, FromContext,
    Geometry, JsonValue, ObjectInstance, Polygon, Polyline, Result, RotatableBoundingBox, Skeleton,
};

pub use wit::ImageFormat;

/// A picture: a frame of a video, an image, or a part of one. What makes another of it is done by the host.
#[derive(Debug)]
pub struct Frame {
    frame: wit::Frame,
}

impl Frame {
    pub(crate) fn new(frame: wit::Frame) -> Self {
        Self { frame }
    }

    /// Its number in the video, or its position in the image group, from 0; 0 for an image.
    pub fn index(&self) -> u32 {
        self.frame.index()
    }

    /// When it is shown, in seconds from the first frame of the video. Absent for images.
    pub fn timestamp(&self) -> Option<f64> {
        self.frame.timestamp()
    }

    /// In pixels.
    pub fn width(&self) -> u32 {
        self.frame.width()
    }

    /// In pixels.
    pub fn height(&self) -> u32 {
        self.frame.height()
    }

    /// The pixels: rows from the top, in each from the left, red, green and blue of each, 8 bits each. Every call copies
    /// them; [`pixels`](Self::pixels) gives them with their places.
    pub fn rgb(&self) -> Vec<u8> {
        self.frame.rgb()
    }

    /// The pixels, to be read by their places.
    pub fn pixels(&self) -> Pixels {
        Pixels {
            width: self.width(),
            height: self.height(),
            rgb: self.rgb(),
        }
    }

    /// The part around a shape: its surrounding box, in whole pixels. Takes a [`Geometry`], an [`Annotation`], or any of
    /// the shapes that are drawn on pictures.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for points and cuboids; [`Error::InvalidArgument`] if no pixel of the picture is in it.
    pub fn crop(&self, shape: &impl AsGeometry) -> Result<Self, Error> {
        self.frame.crop(&shape.as_geometry()).map(Self::new)
    }

    /// The part around an object, where it is drawn on the frame of this number.
    ///
    /// # Errors
    /// [`Error::NotFound`] if it is not on that frame; those of [`crop`](Self::crop).
    pub fn crop_object(&self, object: &ObjectInstance) -> Result<Self, Error> {
        let index = self.index();
        let geometry = object.geometry(index).ok_or_else(|| {
            let (name, hash) = (object.object_name(), object.object_hash());
            Error::NotFound(format!(
                "expected an object that is drawn on frame {index}, found {name} {hash}, which is not"
            ))
        })?;
        self.crop(&geometry)
    }

    /// A part, in pixels.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if it is not within the picture, or empty.
    pub fn crop_pixels(&self, x: u32, y: u32, width: u32, height: u32) -> Result<Self, Error> {
        self.frame.crop_pixels(x, y, width, height).map(Self::new)
    }

    /// In another size, in pixels, from 1 to 65,536 each.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`], [`Error::TooLarge`].
    pub fn resize(&self, width: u32, height: u32) -> Result<Self, Error> {
        self.frame.resize(width, height).map(Self::new)
    }

    /// As large as its proportions allow within a size, in pixels: smaller or larger than it was.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`], [`Error::TooLarge`].
    pub fn fit(&self, width: u32, height: u32) -> Result<Self, Error> {
        let (width, height) = fitted((self.width(), self.height()), (width, height));
        self.resize(width, height)
    }

    /// As a file: `frame.encode(ImageFormat::Png)`, `frame.encode(Encoding::jpeg(80))`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the quality is not from 1 to 100.
    pub fn encode(&self, encoding: impl Into<Encoding>) -> Result<Vec<u8>, Error> {
        let Encoding { format, quality } = encoding.into();
        let quality = quality.map(u32::from);
        self.frame.encode(format, quality)
    }

    /// As a file in Base64.
    ///
    /// # Errors
    /// As for [`encode`](Self::encode).
    pub fn base64(&self, encoding: impl Into<Encoding>) -> Result<String, Error> {
        let Encoding { format, quality } = encoding.into();
        let quality = quality.map(u32::from);
        self.frame.base64(format, quality)
    }

    /// As a URL that holds the file: `data:image/…;base64,…`.
    ///
    /// # Errors
    /// As for [`encode`](Self::encode).
    pub fn data_url(&self, encoding: impl Into<Encoding>) -> Result<String, Error> {
        let Encoding { format, quality } = encoding.into();
        let quality = quality.map(u32::from);
        self.frame.data_url(format, quality)
    }

    /// As a part of a message to OpenAI's API: `{"type": "image_url", …}`.
    ///
    /// # Errors
    /// As for [`encode`](Self::encode).
    pub fn openai_content(&self, encoding: impl Into<Encoding>) -> Result<JsonValue, Error> {
        let Encoding { format, quality } = encoding.into();
        let quality = quality.map(u32::from);
        self.frame
            .openai_content(format, quality)
            .and_then(|content| crate::json::read(&content))
    }

    /// As a part of a message to Anthropic's API: `{"type": "image", "source": …}`.
    ///
    /// # Errors
    /// As for [`encode`](Self::encode).
    pub fn anthropic_content(&self, encoding: impl Into<Encoding>) -> Result<JsonValue, Error> {
        let Encoding { format, quality } = encoding.into();
        let quality = quality.map(u32::from);
        self.frame
            .anthropic_content(format, quality)
            .and_then(|content| crate::json::read(&content))
    }

    /// As a part of a message to Google's API: `{"inline_data": …}`.
    ///
    /// # Errors
    /// As for [`encode`](Self::encode).
    pub fn gemini_content(&self, encoding: impl Into<Encoding>) -> Result<JsonValue, Error> {
        let Encoding { format, quality } = encoding.into();
        let quality = quality.map(u32::from);
        self.frame
            .gemini_content(format, quality)
            .and_then(|content| crate::json::read(&content))
    }

    /// The mean of its luma, from 0, black, to 255, white.
    pub fn brightness(&self) -> f64 {
        self.frame.brightness()
    }

    /// The variance of the Laplacian of its luma: low in blurred pictures. It depends on the size: [`fit`](Self::fit)
    /// pictures into one before you compare them.
    pub fn sharpness(&self) -> f64 {
        self.frame.sharpness()
    }
}

/// The first frame of the task's data unit: of an image, a video, an image sequence or an image group. It is decoded once an
/// attempt, however many ask for it.
///
/// ```
/// use runner_sdk::prelude::*;
///
/// #[stage("Check the light")]
/// fn check(frame: SingleFrame) -> &'static str {
///     if frame.brightness() < 40.0 { "Too dark" } else { "Annotate" }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct SingleFrame {
    frame: Rc<Frame>,
}

impl Deref for SingleFrame {
    type Target = Frame;

    fn deref(&self) -> &Frame {
        &self.frame
    }
}

impl FromContext for SingleFrame {
    fn declare(declaration: &mut Declaration) {
        declaration.needs_single_frame();
    }

    fn resolve(context: &Context) -> Result<Self> {
        context.once(|context| {
            let frame = Rc::new(context.storage_item()?.read_single_frame()?);
            Ok(Self { frame })
        })
    }
}

/// The pixels of a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pixels {
    width: u32,
    height: u32,
    rgb: Vec<u8>,
}

impl Pixels {
    /// In pixels.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// In pixels.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Red, green and blue of one pixel, counted from the upper left. Absent outside of the picture.
    pub fn get(&self, x: u32, y: u32) -> Option<[u8; 3]> {
        if x >= self.width {
            return None;
        }
        let at = (y as usize)
            .checked_mul(self.width as usize)?
            .checked_add(x as usize)?;
        self.rgb.as_chunks().0.get(at).copied()
    }

    /// The rows, from the top.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[[u8; 3]]> {
        let pixels = self.rgb.as_chunks().0;
        pixels.chunks_exact((self.width as usize).max(1))
    }

    /// All bytes, as [`Frame::rgb`] gives them.
    pub fn into_rgb(self) -> Vec<u8> {
        self.rgb
    }
}

/// How a picture is written: [`ImageFormat::Jpeg`], [`ImageFormat::Png`], [`ImageFormat::Webp`] (without loss), or
/// [`Encoding::jpeg`] with a quality.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding {
    format: ImageFormat,
    quality: Option<u8>,
}

impl Encoding {
    /// JPEG with a quality from 1 to 100. [`ImageFormat::Jpeg`] alone has 95.
    pub const fn jpeg(quality: u8) -> Self {
        Self {
            format: ImageFormat::Jpeg,
            quality: Some(quality),
        }
    }
}

impl From<ImageFormat> for Encoding {
    fn from(format: ImageFormat) -> Self {
        Self {
            format,
            quality: None,
        }
    }
}

/// What has a place in a picture, to be [cropped](Frame::crop) to.
#[diagnostic::on_unimplemented(
    message = "a picture cannot be cropped to a `{Self}`",
    label = "has no place in a picture",
    note = "pictures are cropped to a `Geometry`, an `Annotation`, or a shape: `BoundingBox`, `RotatableBoundingBox`, \
            `Polygon`, `Polyline`, `Skeleton`, `Bitmask`, `Circle`, `Ellipse`",
    note = "to that of an object by `frame.crop_object(&object)`"
)]
pub trait AsGeometry {
    /// The geometry.
    fn as_geometry(&self) -> Cow<'_, Geometry>;
}

impl AsGeometry for Geometry {
    fn as_geometry(&self) -> Cow<'_, Geometry> {
        Cow::Borrowed(self)
    }
}

impl AsGeometry for Annotation {
    fn as_geometry(&self) -> Cow<'_, Geometry> {
        Cow::Borrowed(&self.geometry)
    }
}

/// `AsGeometry` for each shape, by the geometry that it becomes.
macro_rules! shapes {
    ($($shape:ty => |$value:ident| $geometry:expr;)+) => {$(
        impl AsGeometry for $shape {
            fn as_geometry(&self) -> Cow<'_, Geometry> {
                let $value = self;
                Cow::Owned($geometry)
            }
        }
    )+};
}

shapes! {
    BoundingBox => |bounds| Geometry::BoundingBox(*bounds);
    RotatableBoundingBox => |bounds| Geometry::RotatableBoundingBox(*bounds);
    Polygon => |polygon| Geometry::Polygon(polygon.clone());
    Polyline => |line| Geometry::Polyline(line.points.clone());
    Skeleton => |skeleton| Geometry::Skeleton(skeleton.points.clone());
    Bitmask => |mask| Geometry::Bitmask(mask.clone());
    Circle => |circle| Geometry::Circle(*circle);
    Ellipse => |ellipse| Geometry::Ellipse(*ellipse);
}

/// The largest size with the proportions of `size` that is within `most`.
fn fitted(size: (u32, u32), most: (u32, u32)) -> (u32, u32) {
    let (width, height) = (f64::from(size.0), f64::from(size.1));
    let scale = (f64::from(most.0) / width).min(f64::from(most.1) / height);
    let scaled = |length: f64, most: u32| ((length * scale).round() as u32).clamp(1, most.max(1));
    (scaled(width, most.0), scaled(height, most.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_found_by_their_places() {
        let pixels = Pixels {
            width: 2,
            height: 2,
            rgb: (0..12).collect(),
        };
        assert_eq!(pixels.get(1, 0), Some([3, 4, 5]));
        assert_eq!(pixels.get(0, 1), Some([6, 7, 8]));
        assert_eq!(pixels.get(2, 0), None);
        assert_eq!(pixels.get(0, 2), None);
        assert_eq!(pixels.get(0, u32::MAX), None);
        let rows: Vec<_> = pixels.rows().collect();
        assert_eq!(rows, [[[0, 1, 2], [3, 4, 5]], [[6, 7, 8], [9, 10, 11]]]);
    }

    #[test]
    fn proportions_are_kept() {
        assert_eq!(fitted((640, 480), (320, 320)), (320, 240));
        assert_eq!(fitted((480, 640), (1280, 1280)), (960, 1280));
        assert_eq!(fitted((10_000, 1), (100, 100)), (100, 1));
    }
}
