use uuid::Uuid;

use super::{LocalError, Scratch};
use crate::local::StageKind;
use crate::local::manifest::SetUp;

const MINIMAL: &str = r#"
[project]
title = "Minimal"
hash = "11111111-1111-4111-8111-111111111111"
[ontology]
[[workflow.stages]]
title = "Agent"
type = "agent"
pathways = [{ name = "on", to = "Complete" }]
[[workflow.stages]]
title = "Complete"
type = "complete"
"#;

fn parse(text: &str) -> Result<SetUp, LocalError> {
    SetUp::parse(text, "/nowhere".as_ref(), Uuid::nil())
}

/// Line and message of each mistake.
fn mistakes(text: &str) -> Vec<(Option<usize>, String)> {
    match parse(text) {
        Err(LocalError::Manifest { mistakes, .. }) => mistakes
            .into_iter()
            .map(|mistake| (mistake.line, mistake.message))
            .collect(),
        other => panic!("expected mistakes, found {other:?}"),
    }
}

#[test]
fn all_mistakes_are_reported_with_their_lines() {
    let text = r##"[project]
title = " "
hash = "abc"
[ontology]
[[ontology.objects]]
name = "Car"
shape = "box"
color = "red"
[[ontology.objects]]
name = "Car"
shape = "polygon"
feature-hash = "short"
[[ontology.classifications]]
title = "Weather"
kind = "radio"
[[ontology.classifications]]
title = "Caption"
kind = "text"
options = ["a"]
[workflow]
start = "Nowhere"
[[workflow.stages]]
title = "Agent"
type = "agent"
[[workflow.stages]]
title = "Agent"
type = "robot"
pathways = [{ name = "on", to = "Complete" }]
[[workflow.stages]]
title = "Review"
type = "review"
pathways = [{ name = "approve", to = "Agent" }]
"##;
    let lines: Vec<_> = mistakes(text)
        .iter()
        .map(|(line, _)| line.expect("each is about a line"))
        .collect();
    assert_eq!(lines, [2, 3, 7, 8, 12, 15, 18, 21, 23, 26, 27, 28, 30]);
    let messages: Vec<_> = mistakes(text)
        .into_iter()
        .map(|(_, message)| message)
        .collect();
    for (index, expected) in [
        (1, "expected a UUID, found `abc`"),
        (3, "expected a colour such as \"#D33115\", found `red`"),
        (5, "expected options for the radio \"Weather\", found none"),
        (
            7,
            "expected the title of a stage (\"Agent\", \"Agent\", \"Review\"), found \"Nowhere\"",
        ),
        (
            8,
            "expected of the agent stage \"Agent\" at least one pathway, found none",
        ),
        (
            12,
            "expected of the review stage \"Review\" two pathways, named \"approve\" and \"reject\", found approve",
        ),
    ] {
        assert_eq!(messages[index], expected);
    }
}

#[test]
fn keys_that_do_not_exist_are_mistakes() {
    let found =
        mistakes(&MINIMAL.replace("title = \"Minimal\"", "title = \"Minimal\"\ntitel = \"x\""));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, Some(4));
    assert!(found[0].1.contains("titel"), "{}", found[0].1);
}

#[test]
fn an_option_is_a_label_or_a_table_whose_mistakes_have_lines() {
    let text = MINIMAL.replace(
        "[ontology]",
        r#"[ontology]
[[ontology.classifications]]
title = "Weather"
kind = "radio"
options = [
    "Sunny",
    { label = "Wet", value = "w", attributes = [
        { name = "How", kind = "much" },
    ] },
]"#,
    );
    let found = mistakes(&text);
    assert_eq!(
        found,
        [(
            Some(12),
            "expected a kind (radio, checklist, text or numeric), found `much`".to_owned()
        )]
    );
    let set_up = parse(&text.replace("much", "text")).expect("that was the only mistake");
    let attribute = &set_up.ontologies[0].editor["classifications"][0]["attributes"][0];
    assert_eq!(attribute["options"][0]["value"], "sunny");
    assert_eq!(attribute["options"][1]["options"][0]["id"], "1.1.2.1");
    assert_eq!(attribute["options"][1]["options"][0]["type"], "text");
}

#[test]
fn identifiers_are_those_written_or_derived_from_titles() {
    let one = parse(MINIMAL).expect("it has no mistakes");
    let again = parse(MINIMAL).expect("it has no mistakes");
    assert_eq!(
        one.projects[0].workflow.stages[0].uuid,
        again.projects[0].workflow.stages[0].uuid
    );
    assert_eq!(one.projects[0].workflow.stages[0].kind, StageKind::Agent);
    assert_eq!(
        one.projects[0].workflow.stages[0].pathways[0].destination,
        one.projects[0].workflow.stages[1].uuid
    );
    let uuid = "22222222-2222-4222-8222-222222222222";
    let renamed = MINIMAL.replace(
        "title = \"Agent\"",
        &format!("title = \"Robot\"\nuuid = \"{uuid}\""),
    );
    assert_eq!(
        parse(&renamed).expect("it has no mistakes").projects[0]
            .workflow
            .stages[0]
            .uuid
            .to_string(),
        uuid
    );
}

#[test]
fn an_ontology_can_stand_in_a_file_of_encords_own_json() {
    let scratch = Scratch::new();
    let text = MINIMAL.replace("[ontology]", "[ontology]\nfile = \"ontology.json\"");
    scratch.write_manifest(&text);
    let read = || SetUp::read(&scratch.project(), Uuid::nil());
    assert!(
        matches!(read(), Err(LocalError::Manifest { mistakes, .. }) if mistakes[0].line == Some(6))
    );
    let file = scratch.project().join("ontology.json");
    let editor = r##"{"objects": [{"id": "1", "name": "Stick", "color": "#000000", "shape": "skeleton",
        "featureNodeHash": "objSkel1"}], "classifications": [], "skeleton_templates": [{"x": 1}]}"##;
    std::fs::write(&file, editor).expect("the folder is ours");
    let set_up = read().expect("it has no mistakes");
    assert_eq!(set_up.ontologies[0].editor["skeleton_templates"][0]["x"], 1);
    std::fs::write(&file, editor.replace("\"name\"", "\"nom\"")).expect("the folder is ours");
    assert!(
        matches!(read(), Err(LocalError::Manifest { mistakes, .. }) if mistakes[0].message.contains("`name`"))
    );
}
