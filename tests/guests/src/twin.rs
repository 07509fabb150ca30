//! Copies all labels that another project has of the same data, and tries what is not allowed there.

use runner_sdk::prelude::*;

#[stage("Agent", signed_url, reviews)]
fn copy(context: &Context, row: LabelRow) -> Result<()> {
    let project: Uuid = "e0000000-0000-4000-8000-000000000002".parse()?;
    let Some(twin) = context.twin_label_row(project)? else {
        return Err(AgentError::fatal("the twin has no labels of this data"));
    };
    let refused = (twin.save().is_err(), twin.set_priority(0.5).is_err());
    let nobody = "e0000000-0000-4000-8000-0000000000ff".parse()?;
    let missing = context.twin_label_row(nobody).is_err();
    if refused != (true, true) || !missing {
        return Err(AgentError::fatal(format!("{refused:?}, {missing}")));
    }
    let link = row.data_units().first().and_then(|unit| unit.data_link());
    if row.data_type() == "image" && !link.is_some_and(|link| link.starts_with("http")) {
        return Err(AgentError::fatal("the link to the file is no URL"));
    }
    let copied = row.copy_labels(&twin)?;
    let found = (row.objects().len(), row.classifications().len());
    if (copied.objects as usize, copied.classifications as usize) != found {
        return Err(AgentError::fatal(format!("{copied:?}, but {found:?}")));
    }
    if !copied.left_out.is_empty() {
        return Err(AgentError::fatal(copied.left_out.join("; ")));
    }
    row.save()?;
    Ok(())
}
