//! What clients bring: uploaded files, the jobs that make items of them, data groups, and how items are used.

use rusqlite::{Connection, OptionalExtension, params};

use super::datasets::{self, Dataset};
use super::items::Item;
use super::{find_dataset, json_list};

/// An uploaded file.
#[derive(Debug, Clone)]
pub(in crate::local) struct Upload {
    pub(in crate::local) uuid: String,
    /// As recorded for items. Absent until the file is there.
    pub(in crate::local) path: Option<String>,
    /// What the client said that it is.
    pub(in crate::local) content_type: Option<String>,
    /// Whether an item has been made of it.
    pub(in crate::local) used: bool,
}

/// Makes places for files.
pub(in crate::local) fn insert_uploads(
    connection: &Connection,
    uuids: &[String],
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO upload (uuid) SELECT value FROM json_each(?1)")?
        .execute([json_list(uuids)])?;
    Ok(())
}

pub(in crate::local) fn find_upload(
    connection: &Connection,
    uuid: &str,
) -> rusqlite::Result<Option<Upload>> {
    connection
        .prepare_cached("SELECT uuid, path, content_type, used FROM upload WHERE uuid = ?1")?
        .query_row([uuid], |row| {
            Ok(Upload {
                uuid: row.get(0)?,
                path: row.get(1)?,
                content_type: row.get(2)?,
                used: row.get(3)?,
            })
        })
        .optional()
}

/// Notes that the file is there. The place is made if it is missing.
pub(in crate::local) fn receive(
    connection: &Connection,
    uuid: &str,
    path: &str,
    content_type: Option<&str>,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO upload (uuid, path, content_type) VALUES (?1, ?2, ?3)
             ON CONFLICT (uuid) DO UPDATE SET path = excluded.path, content_type = excluded.content_type",
        )?
        .execute(params![uuid, path, content_type])?;
    Ok(())
}

/// Notes that an item is made of the file. From then on it does not change.
pub(in crate::local) fn take_upload(connection: &Connection, uuid: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE upload SET used = 1 WHERE uuid = ?1")?
        .execute([uuid])?;
    Ok(())
}

/// Keeps what became of a job, as JSON. `dataset` is the number of the one that it was about.
pub(in crate::local) fn insert_job(
    connection: &Connection,
    uuid: &str,
    folder: &str,
    dataset: Option<i64>,
    result: &str,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO job (uuid, folder, dataset, result) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![uuid, folder, dataset, result])?;
    Ok(())
}

/// What became of a job on the folder, or on the dataset with this hash.
pub(in crate::local) fn find_job(
    connection: &Connection,
    uuid: &str,
    folder: Option<&str>,
    dataset: Option<&str>,
) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached(
            "SELECT result FROM job WHERE uuid = ?1 AND (?2 IS NULL OR folder = ?2)
                 AND (?3 IS NULL OR dataset = (SELECT id FROM dataset WHERE hash = ?3))",
        )?
        .query_row(params![uuid, folder, dataset], |row| row.get(0))
        .optional()
}

pub(in crate::local) fn jobs_of_folder(
    connection: &Connection,
    folder: &str,
) -> rusqlite::Result<u32> {
    connection
        .prepare_cached("SELECT count(*) FROM job WHERE folder = ?1")?
        .query_row([folder], |row| row.get(0))
}

/// From now on all that comes into the dataset's folder comes into the dataset.
pub(in crate::local) fn make_mirror(connection: &Connection, hash: &str) -> rusqlite::Result<()> {
    connection.execute("UPDATE dataset SET mirror = 1 WHERE hash = ?1", [hash])?;
    Ok(())
}

/// The datasets that have all that is in the folder.
pub(in crate::local) fn mirrors_of(
    connection: &Connection,
    folder: &str,
) -> rusqlite::Result<Vec<Dataset>> {
    let hashes: Vec<String> = connection
        .prepare_cached("SELECT hash FROM dataset WHERE folder = ?1 AND mirror ORDER BY id")?
        .query_map([folder], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut mirrors = Vec::new();
    for hash in hashes {
        mirrors.extend(find_dataset(connection, &hash)?);
    }
    Ok(mirrors)
}

/// Keeps how the parts of a data group are arranged, as JSON.
pub(in crate::local) fn put_layout(
    connection: &Connection,
    item: i64,
    layout: &str,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE item SET layout = ?2 WHERE id = ?1")?
        .execute(params![item, layout])?;
    Ok(())
}

pub(in crate::local) fn layout(
    connection: &Connection,
    item: i64,
) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached("SELECT layout FROM item WHERE id = ?1")?
        .query_row([item], |row| row.get(0))
}

/// UUID, title and layout key of the parts of an item, in their order.
pub(in crate::local) fn parts_with_keys(
    connection: &Connection,
    item: i64,
) -> rusqlite::Result<Vec<(String, String, Option<String>)>> {
    connection
        .prepare_cached(
            "SELECT item.uuid, item.title, part.layout_key FROM part JOIN item ON item.id = part.item
             WHERE part.whole = ?1 ORDER BY part.place",
        )?
        .query_map([item], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect()
}

/// UUIDs of the items that an item is a part of.
pub(in crate::local) fn wholes_of(
    connection: &Connection,
    item: i64,
) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare_cached(
            "SELECT uuid FROM item WHERE id IN (SELECT whole FROM part WHERE item = ?1) ORDER BY id",
        )?
        .query_map([item], |row| row.get(0))?
        .collect()
}

/// An item in a dataset.
#[derive(Debug)]
pub(in crate::local) struct Use {
    pub(in crate::local) dataset_hash: String,
    pub(in crate::local) dataset_title: String,
    pub(in crate::local) folder: String,
    pub(in crate::local) data_hash: String,
    /// Of the data unit, in milliseconds since 1970.
    pub(in crate::local) created_at: i64,
}

/// The data units that an item is behind by itself, by dataset.
pub(in crate::local) fn uses_in_datasets(
    connection: &Connection,
    item: i64,
) -> rusqlite::Result<Vec<Use>> {
    connection
        .prepare_cached(
            "SELECT dataset.hash, dataset.title, dataset.folder, data_unit.hash, data_unit.created_at
             FROM data_unit JOIN dataset ON dataset.id = data_unit.dataset
             WHERE data_unit.item = ?1 AND data_unit.parent IS NULL ORDER BY dataset.id, data_unit.id",
        )?
        .query_map([item], |row| {
            Ok(Use {
                dataset_hash: row.get(0)?,
                dataset_title: row.get(1)?,
                folder: row.get(2)?,
                data_hash: row.get(3)?,
                created_at: row.get(4)?,
            })
        })?
        .collect()
}

/// What a folder has of one type.
#[derive(Debug)]
pub(in crate::local) struct FolderSum {
    pub(in crate::local) item_type: String,
    pub(in crate::local) items: u64,
    /// In bytes.
    pub(in crate::local) size: u64,
}

pub(in crate::local) fn folder_sums(
    connection: &Connection,
    folder: &str,
) -> rusqlite::Result<Vec<FolderSum>> {
    connection
        .prepare_cached(
            "SELECT item_type, count(*), sum(size) FROM item WHERE folder = ?1 AND listed GROUP BY item_type",
        )?
        .query_map([folder], |row| {
            Ok(FolderSum {
                item_type: row.get(0)?,
                items: row.get::<_, i64>(1)?.unsigned_abs(),
                size: row.get::<_, i64>(2)?.unsigned_abs(),
            })
        })?
        .collect()
}

/// Removes a data unit, what is below it, and their tasks, label rows and issues. The item stays. False if the
/// dataset has no such data unit.
pub(in crate::local) fn delete_unit(
    connection: &Connection,
    dataset: i64,
    hash: &str,
) -> rusqlite::Result<bool> {
    let Some(unit) = datasets::find_unit(connection, dataset, hash)? else {
        return Ok(false);
    };
    let units: Vec<(i64, String)> = connection
        .prepare_cached(
            "WITH RECURSIVE gone (id) AS (
                 VALUES (?1) UNION SELECT data_unit.id FROM data_unit JOIN gone ON data_unit.parent = gone.id
             ) SELECT id, hash FROM data_unit WHERE id IN gone ORDER BY id DESC",
        )?
        .query_map([unit.id], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (id, hash) in units {
        let of_unit = ["label_row", "task"];
        for table in of_unit {
            connection
                .prepare_cached(&format!("DELETE FROM {table} WHERE data_unit = ?1"))?
                .execute([id])?;
        }
        connection
            .prepare_cached(
                "DELETE FROM issue WHERE data_hash = ?2
                     AND project IN (SELECT project FROM project_dataset WHERE dataset = ?1)",
            )?
            .execute(params![dataset, hash])?;
        // Parts have higher numbers than what they are parts of, so they go first.
        connection
            .prepare_cached("DELETE FROM data_unit WHERE id = ?1")?
            .execute([id])?;
    }
    Ok(true)
}

impl Upload {
    /// The item's UUID that belongs to the place, unless another has it by now.
    pub(in crate::local) fn free_uuid(
        &self,
        connection: &Connection,
    ) -> rusqlite::Result<Option<String>> {
        let taken = super::find_items(connection, std::slice::from_ref(&self.uuid))?;
        let free = taken.iter().all(Option::<Item>::is_none);
        Ok(free.then(|| self.uuid.clone()))
    }
}
