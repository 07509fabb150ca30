//! What is labelled on a row: to read, to find, to add, to copy.

use crate::new_object::Place;
use crate::{
    BoundingBox, ClassificationInstance, Classifications, CopiedLabels, Drawing, Error, FrameRange,
    IntoAnswers, IntoFrames, IntoShape, LabelRow, NewObject, ObjectInstance, Objects, Result,
    Space,
};

impl LabelRow {
    /// All objects, in the order in which the row lists them; [`Objects`] has ways to find some.
    pub fn objects(&self) -> Objects {
        Objects::of_place(Place::Row(self.clone()))
    }

    /// The object with this hash.
    pub fn find_object(&self, object_hash: &str) -> Option<ObjectInstance> {
        let object = self.handle().find_object(object_hash)?;
        Some(ObjectInstance::new(self, object))
    }

    /// All classifications, in the order in which the row lists them; [`Classifications`] has ways to find some.
    pub fn classifications(&self) -> Classifications {
        Classifications::of_place(Place::Row(self.clone()))
    }

    /// The classification with this hash.
    pub fn find_classification(&self, classification_hash: &str) -> Option<ClassificationInstance> {
        let classification = self.handle().find_classification(classification_hash)?;
        Some(ClassificationInstance::new(self, classification))
    }

    /// The spaces of the row: the parts of a data group, the layers of an image. Empty in most rows, whose objects and
    /// classifications belong to the row itself.
    pub fn spaces(&self) -> Vec<Space> {
        let spaces = self.handle().spaces().into_iter();
        spaces.map(|space| Space::new(self, space)).collect()
    }

    /// A space by its id or, if no id is equal, by its layout key, or its file name.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is none, or if several have that name.
    pub fn space(&self, id_or_name: &str) -> Result<Space, Error> {
        if let Some(space) = self.handle().find_space(id_or_name) {
            return Ok(Space::new(self, space));
        }
        let names: Vec<String> = self.spaces().iter().map(name_of_space).collect();
        let there_are = match names.as_slice() {
            [] => "this row has no spaces".to_owned(),
            names => format!("there are {}", names.join(", ")),
        };
        Err(Error::NotFound(format!(
            "expected the id, layout key or file name of one space, found {id_or_name:?}\nhelp: {there_are}"
        )))
    }

    /// An object to add, of any shape: nothing is added before [`.on(frames)`](NewObject::on) or, for ranges of sound
    /// and text, [`.add()`](NewObject::add).
    ///
    /// `feature` is the feature hash of an ontology object or its exact name, and has the shape that is given.
    ///
    /// ```no_run
    /// # use runner_sdk::prelude::*;
    /// # fn agent(row: LabelRow) -> Result<()> {
    /// row.add("Car", BoundingBox::new(0.1, 0.2, 0.3, 0.4)).on(0)?;
    /// row.add("Lane", Polyline::new([(0.1, 0.9), (0.4, 0.5)])).confidence(0.8).on(0..=9)?;
    /// row.add("Speech", [0..=250, 400..=999]).answer(Answer::option("Ada")).add()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn add<S: IntoShape>(&self, feature: &str, shape: S) -> NewObject<S::Shape> {
        NewObject::new(Place::Row(self.clone()), feature, shape.into_shape())
    }

    /// Adds a bounding box on one frame, counted from 0: in short for
    /// [`add(feature, bounding_box)`](Self::add)`.on(frame)`.
    ///
    /// `feature` is the feature hash of an ontology object or its exact name; its shape must be
    /// `bounding_box`. Only rows of images, image groups and videos can have one.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the feature is unknown, ambiguous, archived or of another shape,
    /// if the frame does not exist, or if the box is not within the frame (by more than 1e-6, which is
    /// taken for rounding) or has no area; [`Error::Unsupported`] if the type of data has no boxes.
    pub fn add_bounding_box(
        &self,
        feature: &str,
        bounding_box: BoundingBox,
        frame: u32,
    ) -> Result<ObjectInstance, Error> {
        let added = self
            .handle()
            .add_bounding_box(feature, bounding_box, frame)?;
        Ok(ObjectInstance::new(self, added))
    }

    /// Adds a classification. It holds on frame 0 only where the data has frames (also for a video!), for
    /// everything otherwise, and for the whole data unit if the ontology says that it is global.
    ///
    /// `feature` is the feature hash of an ontology classification or its exact title. One answer is
    /// the one to its root attribute; an array of answers can go on to the attributes that it opens:
    ///
    /// ```no_run
    /// # use runner_sdk::prelude::*;
    /// # fn agent(row: LabelRow) -> Result<()> {
    /// row.add_classification("Weather", Answer::option("Rain"))?;
    /// row.add_classification(
    ///     "Scene",
    ///     [Answer::option("Road"), Answer::number(3.0).to("Number of lanes")],
    /// )?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if a feature or option is unknown, ambiguous or archived, if an
    /// answer is of another kind than its attribute or answers one that is not open, if the root
    /// attribute has no answer, if an answer opens a required attribute that has none, or if the row already has
    /// this classification there.
    pub fn add_classification(
        &self,
        feature: &str,
        answers: impl IntoAnswers,
    ) -> Result<ClassificationInstance, Error> {
        let answers = answers.into_answers();
        let added = self.handle().add_classification(feature, &answers, None)?;
        Ok(ClassificationInstance::new(self, added))
    }

    /// Adds a classification on these frames, which may overlap. A range is a frame, `first..=last`, or a
    /// [`FrameRange`]:
    ///
    /// ```no_run
    /// # use runner_sdk::prelude::*;
    /// # fn agent(row: LabelRow) -> Result<()> {
    /// row.add_classification_on("Weather", Answer::option("Sunny"), [0..=9, 20..=29])?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`add_classification`](Self::add_classification); also if frames do not exist, or if the
    /// classification is global.
    pub fn add_classification_on<R>(
        &self,
        feature: &str,
        answers: impl IntoAnswers,
        ranges: R,
    ) -> Result<ClassificationInstance, Error>
    where
        R: IntoIterator,
        R::Item: Into<FrameRange>,
    {
        let ranges: Vec<FrameRange> = ranges.into_iter().map(Into::into).collect();
        let answers = answers.into_answers();
        let added = self
            .handle()
            .add_classification(feature, &answers, Some(&ranges))?;
        Ok(ClassificationInstance::new(self, added))
    }

    /// Adds classifications from an answer to the schema that [`Ontology::json_schema`](crate::Ontology::json_schema)
    /// gives for the same features: one for each that the answer has. They hold where
    /// [`add_classification`](Self::add_classification) says. Nothing is added unless all can be.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the text is no JSON, or not in the schema, with the place in it; otherwise as
    /// [`add_classification`](Self::add_classification).
    pub fn add_classifications_from_json<I>(
        &self,
        features: I,
        answer: &str,
    ) -> Result<Vec<ClassificationInstance>, Error>
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.add_from_json(features, answer, None)
    }

    /// As [`add_classifications_from_json`](Self::add_classifications_from_json), on these frames, for those
    /// classifications that are not global.
    ///
    /// # Errors
    /// Also if frames do not exist.
    pub fn add_classifications_from_json_on<I>(
        &self,
        features: I,
        answer: &str,
        frames: impl IntoFrames,
    ) -> Result<Vec<ClassificationInstance>, Error>
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.add_from_json(features, answer, Some(&frames.into_frames()))
    }

    fn add_from_json<I>(
        &self,
        features: I,
        answer: &str,
        frames: Option<&[FrameRange]>,
    ) -> Result<Vec<ClassificationInstance>, Error>
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let features: Vec<String> = features.into_iter().map(Into::into).collect();
        let row = self.handle();
        let added = row.add_classifications_from_json(&features, answer, frames)?;
        let added = added.into_iter();
        Ok(added
            .map(|new| ClassificationInstance::new(self, new))
            .collect())
    }

    /// Adds an object of the feature that an answer to the schema of the same features has chosen, with the answers to
    /// its attributes, drawn alike on each of the frames.
    ///
    /// ```no_run
    /// # use runner_sdk::prelude::*;
    /// # fn ask(schema: String) -> String { schema }
    /// # fn agent(row: LabelRow, ontology: Ontology) -> Result<()> {
    /// let features = ["Car", "Bus"];
    /// let answer = ask(ontology.json_schema(features)?);
    /// row.add_object_from_json(features, &answer, BoundingBox::new(0.1, 0.2, 0.3, 0.4), 0)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`add_classifications_from_json`](Self::add_classifications_from_json) and [`NewObject::on`].
    pub fn add_object_from_json<I>(
        &self,
        features: I,
        answer: &str,
        shape: impl IntoShape<Shape = Drawing>,
        frames: impl IntoFrames,
    ) -> Result<ObjectInstance, Error>
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let features: Vec<String> = features.into_iter().map(Into::into).collect();
        let geometry = shape.into_shape().geometry(self, || features.clone())?;
        let frames = frames.into_frames();
        let row = self.handle();
        let added = row.add_object_from_json(&features, answer, &geometry, &frames)?;
        Ok(ObjectInstance::new(self, added))
    }

    /// Copies all objects and classifications of another row into this one: of the
    /// [same data in another project](crate::Context::twin_label_row), as a rule.
    ///
    /// A feature stands for the one of the same feature hash and shape in this row's ontology or, if there is none, for
    /// the one of the same name and shape that is not archived; their attributes and options likewise. What finds no
    /// feature is left out, and told.
    ///
    /// A copy keeps its hash unless this row has it already, its author, its times and its confidence. Copying a row
    /// twice doubles its objects.
    ///
    /// ```no_run
    /// # use runner_sdk::prelude::*;
    /// # fn agent(context: &Context, row: LabelRow) -> Result<()> {
    /// let predictions = uuid!("49a786f3-5edf-4b94-aff0-3da9042d3bf0");
    /// if let Some(twin) = context.twin_label_row(predictions)? {
    ///     let copied = row.copy_labels(&twin)?;
    ///     info!("{} objects", copied.objects);
    ///     for reason in copied.left_out {
    ///         warn!("{reason}");
    ///     }
    ///     row.save()?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the row is of another type of data, if it lacks a frame that is needed, or if it
    /// already has a classification on one of the frames. Nothing is copied then.
    pub fn copy_labels(&self, source: &LabelRow) -> Result<CopiedLabels, Error> {
        self.handle().copy_labels(source.handle(), None)
    }

    /// Copies objects and classifications of some features of another row into this one. Each pair is a feature of
    /// `source` and one of this row, by feature hash or name. Attributes and options may be in pairs too; those that
    /// are not are found as [`copy_labels`](Self::copy_labels) says.
    ///
    /// ```no_run
    /// # use runner_sdk::prelude::*;
    /// # fn agent(row: LabelRow, twin: LabelRow) -> Result<()> {
    /// row.copy_labels_of(&twin, [("Vehicle", "Car"), ("Weather", "Weather")])?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`copy_labels`](Self::copy_labels); also [`Error::InvalidArgument`] if a pair names what is not there, or
    /// joins different shapes.
    pub fn copy_labels_of<I, S, T>(
        &self,
        source: &LabelRow,
        features: I,
    ) -> Result<CopiedLabels, Error>
    where
        I: IntoIterator<Item = (S, T)>,
        S: Into<String>,
        T: Into<String>,
    {
        let pairs = features.into_iter();
        let pairs: Vec<(String, String)> =
            pairs.map(|(from, to)| (from.into(), to.into())).collect();
        self.handle().copy_labels(source.handle(), Some(&pairs))
    }
}

/// As people know it: where it is in the layout, or its file.
fn name_of_space(space: &Space) -> String {
    let name = space.layout_key().or_else(|| space.file_name());
    format!("{:?}", name.unwrap_or_else(|| space.id()))
}
