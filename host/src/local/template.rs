//! The `project.toml` that a new project begins with.

use uuid::Uuid;

/// Readable, commented, and complete: a box, a question, an agent stage and its two ways on.
pub(super) fn manifest(title: &str, hash: Uuid) -> String {
    // TOML's own writer knows how to quote a title.
    let title = toml::Value::String(title.to_owned());
    format!(
        r##"# A local project. Edit this file while nothing runs; it is read each time the project is opened.
# What happens to the project (tasks, labels) is kept in state.sqlite beside it.

[project]
title = {title}
description = ""
# Identifies the project, as in `--project-hash`. Everything below that has no identifier of its own gets one that
# is derived from it and from its title or name. Give `uuid` or `feature-hash` to rename something and keep it.
hash = "{hash}"

# Further projects over the same data, with tasks and labels of their own; what they do not say is as in this one.
# [[projects]]
# title = "Twin"

# What a search of the media cannot find out, such as images that belong together:
# [[dataset.items]]
# type = "image-group"
# title = "pictures"
# files = ["../photos/1.png", "../photos/2.png"]

[ontology]
# Instead of the tables below, a file with Encord's own JSON can be named:
# file = "ontology.json"

# Things that can be drawn or marked. Shapes: bounding_box, rotatable_bounding_box, polygon, polyline, point,
# bitmask, cuboid, cuboid_2d, circle, ellipse, segmentation, audio, time_range, text.
[[ontology.objects]]
name = "Object"
shape = "bounding_box"
color = "#D33115"
# attributes = [
#     {{ name = "Colour", kind = "radio", options = ["Red", "Green"] }},
#     {{ name = "Visible", kind = "radio", dynamic = true, options = ["Yes", "No"] }},
# ]

# Statements about frames or, with `global = true`, about the whole data unit.
# Kinds: radio, checklist, text, numeric.
[[ontology.classifications]]
title = "Quality"
kind = "radio"
options = ["Good", "Bad"]
# An option can also be a table, and ask further questions:
# options = ["Good", {{ label = "Bad", value = "bad", attributes = [{{ name = "Why", kind = "text" }}] }}]

[workflow]
# Where tasks begin. Default: the first stage.
start = "Agent"

# Types: agent, annotation (one pathway: where submitted tasks go), review (pathways "approve" and "reject"),
# percentage-router (pathways with `percent`), user-router (pathways with `users`), complete (no pathways).
[[workflow.stages]]
title = "Agent"
type = "agent"
pathways = [
    {{ name = "complete", to = "Complete" }},
    {{ name = "review", to = "Review" }},
]

[[workflow.stages]]
title = "Review"
type = "review"
pathways = [
    {{ name = "approve", to = "Complete" }},
    {{ name = "reject", to = "Agent" }},
]

[[workflow.stages]]
title = "Complete"
type = "complete"
"##
    )
}
