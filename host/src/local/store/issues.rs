//! Issues that people or agents note about data.

use rusqlite::{Connection, params};

use super::json_list;

/// Adds an issue. `issue` is JSON of an object, as it is answered with.
pub(in crate::local) fn insert_issue(
    connection: &Connection,
    project: i64,
    uuid: &str,
    data_hash: &str,
    issue: &str,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO issue (uuid, project, data_hash, issue) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![uuid, project, data_hash, issue])?;
    Ok(())
}

/// Number and JSON of issues of the project, or of one of its data units: at most `limit` behind the number `after`.
pub(in crate::local) fn issues(
    connection: &Connection,
    project: i64,
    data_hash: Option<&str>,
    after: i64,
    limit: usize,
) -> rusqlite::Result<Vec<(i64, String)>> {
    let wanted = if data_hash.is_some() {
        "data_hash = ?2"
    } else {
        "?2 IS NULL"
    };
    connection
        .prepare_cached(&format!(
            "SELECT id, issue FROM issue WHERE project = ?1 AND {wanted} AND id > ?3 ORDER BY id LIMIT ?4"
        ))?
        .query_map(
            params![
                project,
                data_hash,
                after,
                i64::try_from(limit).unwrap_or(i64::MAX)
            ],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?
        .collect()
}

/// Returns how many there were.
pub(in crate::local) fn delete_issues(
    connection: &Connection,
    project: i64,
    uuids: &[String],
) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(
            "DELETE FROM issue WHERE project = ?1 AND uuid IN (SELECT value FROM json_each(?2))",
        )?
        .execute(params![project, json_list(uuids)])
}
