//! All that can be read from a row and from an ontology, as text for people; but for the JSON of what is
//! in it. The golden documents and the fuzzing share it.

use std::fmt::{self, Display, Write};

use runner_labels::{
    Annotation, Answer, Attribute, DynamicAnswer, FrameRange, HtmlRange, LabelRow, ObjectInstance,
    Ontology,
};

/// Everything that can be read from a row, a fact a line.
pub fn of_row(row: &LabelRow) -> String {
    let mut text = String::new();
    write_row(&mut text, row).expect("writing into a string does not fail");
    text
}

/// Everything that can be read from an ontology, a feature a line.
pub fn of_ontology(ontology: &Ontology) -> String {
    let mut text = String::new();
    write_ontology(&mut text, ontology).expect("writing into a string does not fail");
    text
}

fn write_row(text: &mut String, row: &LabelRow) -> fmt::Result {
    writeln!(text, "label row {}", row.label_hash())?;
    writeln!(text, "  branch: {}", row.branch_name())?;
    writeln!(text, "  status: {}", row.label_status())?;
    writeln!(
        text,
        "  created {}, last edited {}",
        or_none(row.created_at()),
        or_none(row.last_edited_at())
    )?;
    writeln!(text, "  data: {} `{}`", row.data_hash(), row.data_title())?;
    writeln!(text, "  type: {}", row.data_type())?;
    writeln!(
        text,
        "  dataset: {} `{}`",
        row.dataset_hash(),
        row.dataset_title()
    )?;
    writeln!(
        text,
        "  size: {} x {}",
        or_none(row.width()),
        or_none(row.height())
    )?;
    writeln!(
        text,
        "  frames: {}, per second: {}, seconds: {}",
        row.number_of_frames(),
        or_none(row.fps()),
        or_none(row.duration())
    )?;
    for unit in row.data_units() {
        writeln!(
            text,
            "\ndata unit {} {} `{}`\n  type: {}, size: {} x {}",
            unit.sequence,
            unit.data_hash,
            unit.title,
            unit.data_type,
            or_none(unit.width),
            or_none(unit.height)
        )?;
    }
    for space in row.spaces() {
        writeln!(
            text,
            "\nspace {} of type {}\n  layout key: {}, file: {}, size: {} x {}, frames: {}, milliseconds: {}",
            space.id(),
            space.space_type(),
            or_none(space.layout_key()),
            or_none(space.file_name()),
            or_none(space.width()),
            or_none(space.height()),
            or_none(space.number_of_frames()),
            or_none(space.duration_ms())
        )?;
        let objects = space.objects();
        let objects = objects.iter().map(|object| object.object_hash());
        writeln!(text, "  objects: {}", listed(objects))?;
        let classifications = space.classifications();
        let classifications = classifications
            .iter()
            .map(|class| class.classification_hash());
        writeln!(text, "  classifications: {}", listed(classifications))?;
    }
    for object in row.objects() {
        writeln!(text)?;
        write_object(text, object)?;
    }
    for classification in row.classifications() {
        writeln!(
            text,
            "\nclassification {} `{}` {}",
            classification.classification_hash(),
            classification.title(),
            classification.feature_hash()
        )?;
        writeln!(
            text,
            "  in the ontology: {}",
            classification.ontology_classification().is_some()
        )?;
        writeln!(text, "  frames: {}", listed(classification.frames()))?;
        for space in classification.spaces() {
            writeln!(
                text,
                "  in {space}: {}",
                listed(classification.frames_in(space))
            )?;
        }
        writeln!(
            text,
            "  confidence: {}, by a person: {}",
            classification.confidence(),
            classification.manual_annotation()
        )?;
        writeln!(
            text,
            "  created {} by {}, last edited {} by {}",
            or_none(classification.created_at()),
            or_none(classification.created_by()),
            or_none(classification.last_edited_at()),
            or_none(classification.last_edited_by())
        )?;
        for answer in classification.answers() {
            write_answer(text, "answer", &answer)?;
        }
    }
    Ok(())
}

fn write_object(text: &mut String, object: ObjectInstance<'_>) -> fmt::Result {
    writeln!(
        text,
        "object {} `{}` {} {}",
        object.object_hash(),
        object.name(),
        object.feature_hash(),
        object.shape()
    )?;
    writeln!(
        text,
        "  number: {}, in the ontology: {}",
        or_none(object.object_number()),
        object.ontology_object().is_some()
    )?;
    writeln!(
        text,
        "  confidence: {}, by a person: {}",
        object.confidence(),
        object.manual_annotation()
    )?;
    writeln!(
        text,
        "  created {} by {}, last edited {} by {}",
        or_none(object.created_at()),
        or_none(object.created_by()),
        or_none(object.last_edited_at()),
        or_none(object.last_edited_by())
    )?;
    if let Some(reviews) = object.reviews() {
        writeln!(text, "  reviews: {reviews}")?;
    }
    writeln!(text, "  spaces: {}", listed(object.spaces()))?;
    let frames = object.frames();
    write_places(text, &frames, &object.html_ranges())?;
    write_drawings(text, &frames, |frame| object.annotation(frame))?;
    for space in object.spaces() {
        let frames = object.frames_in(space);
        writeln!(text, "  in {space}:")?;
        write_places(text, &frames, &object.html_ranges_in(space))?;
        write_drawings(text, &frames, |frame| object.annotation_in(space, frame))?;
    }
    for answer in object.answers() {
        write_answer(text, "answer", &answer)?;
    }
    for DynamicAnswer { answer, frames } in object.dynamic_answers() {
        write_answer(text, &format!("on {}", listed(frames)), &answer)?;
    }
    Ok(())
}

fn write_places(text: &mut String, frames: &[FrameRange], html: &[HtmlRange]) -> fmt::Result {
    writeln!(text, "  frames: {}", listed(frames))?;
    for HtmlRange { start, end } in html {
        writeln!(
            text,
            "  from {} {} to {} {}",
            start.xpath, start.offset, end.xpath, end.offset
        )?;
    }
    Ok(())
}

fn write_drawings(
    text: &mut String,
    frames: &[FrameRange],
    on_frame: impl Fn(u32) -> Option<Annotation>,
) -> fmt::Result {
    for range in frames {
        // Ranges of audio, text and points are long, and are not drawn on frames.
        if on_frame(range.end).is_none() {
            continue;
        }
        for frame in range.start..=range.end {
            if let Some(annotation) = on_frame(frame) {
                write_annotation(text, frame, &annotation)?;
            }
        }
    }
    Ok(())
}

fn write_annotation(text: &mut String, frame: u32, annotation: &Annotation) -> fmt::Result {
    writeln!(text, "  on {frame}: {:?}", annotation.geometry)?;
    writeln!(
        text,
        "    confidence: {}, by a person: {}, deleted: {}",
        annotation.confidence, annotation.manual_annotation, annotation.is_deleted
    )?;
    writeln!(
        text,
        "    created {} by {}, last edited {} by {}",
        or_none(annotation.created_at.as_deref()),
        or_none(annotation.created_by.as_deref()),
        or_none(annotation.last_edited_at.as_deref()),
        or_none(annotation.last_edited_by.as_deref())
    )
}

fn write_answer(text: &mut String, what: &str, answer: &Answer) -> fmt::Result {
    writeln!(
        text,
        "  {what}: `{}` {}, by a person: {}\n    {:?}",
        answer.name, answer.feature_hash, answer.manual_annotation, answer.value
    )
}

fn write_ontology(text: &mut String, ontology: &Ontology) -> fmt::Result {
    writeln!(
        text,
        "ontology {} `{}`: {}",
        ontology.uuid(),
        ontology.title(),
        ontology.description()
    )?;
    for object in ontology.objects() {
        writeln!(
            text,
            "\nobject {} `{}` {} {}{}{}",
            object.feature_hash,
            object.name,
            object.shape,
            object.color,
            flag(object.required, "required"),
            flag(object.archived, "archived")
        )?;
        for point in &object.template {
            writeln!(text, "  {point:?}")?;
        }
        for attribute in &object.attributes {
            write_attribute(text, attribute, 1)?;
        }
    }
    for classification in ontology.classifications() {
        writeln!(
            text,
            "\nclassification {} `{}`{}{}{}",
            classification.feature_hash,
            classification.title,
            flag(classification.global, "global"),
            flag(classification.required, "required"),
            flag(classification.archived, "archived")
        )?;
        write_attribute(text, &classification.attribute, 1)?;
    }
    Ok(())
}

fn write_attribute(text: &mut String, attribute: &Attribute, depth: usize) -> fmt::Result {
    writeln!(
        text,
        "{:indent$}{} {} `{}`{}{}{}",
        "",
        attribute.kind,
        attribute.feature_hash,
        attribute.name,
        flag(attribute.required, "required"),
        flag(attribute.archived, "archived"),
        flag(attribute.dynamic, "dynamic"),
        indent = depth * 2
    )?;
    for option in &attribute.options {
        writeln!(
            text,
            "{:indent$}option {} `{}` `{}`{}",
            "",
            option.feature_hash,
            option.label,
            option.value,
            flag(option.archived, "archived"),
            indent = depth * 2 + 2
        )?;
        for attribute in &option.attributes {
            write_attribute(text, attribute, depth + 2)?;
        }
    }
    Ok(())
}

fn flag(is_set: bool, word: &str) -> String {
    if is_set {
        format!(", {word}")
    } else {
        String::new()
    }
}

fn or_none(value: Option<impl Display>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| value.to_string())
}

fn listed(elements: impl IntoIterator<Item = impl Display>) -> String {
    let texts: Vec<_> = elements
        .into_iter()
        .map(|element| element.to_string())
        .collect();
    if texts.is_empty() {
        "none".to_owned()
    } else {
        texts.join(", ")
    }
}
