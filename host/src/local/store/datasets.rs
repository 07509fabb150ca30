//! Datasets, their data units, and the storage folders that the items are in.

use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::items::{self, Item};
use crate::local::identity;

/// A dataset.
#[derive(Debug, Clone)]
pub(in crate::local) struct Dataset {
    pub(in crate::local) id: i64,
    pub(in crate::local) hash: String,
    pub(in crate::local) title: String,
    pub(in crate::local) description: String,
    /// UUID of the storage folder of its items.
    pub(in crate::local) folder: String,
    /// In milliseconds since 1970, as `edited_at`.
    pub(in crate::local) created_at: i64,
    pub(in crate::local) edited_at: i64,
}

const COLUMNS: &str = "dataset.id, dataset.hash, dataset.title, dataset.description, dataset.folder, dataset.created_at, \
     dataset.edited_at";

fn from_row(row: &Row<'_>) -> rusqlite::Result<Dataset> {
    Ok(Dataset {
        id: row.get(0)?,
        hash: row.get(1)?,
        title: row.get(2)?,
        description: row.get(3)?,
        folder: row.get(4)?,
        created_at: row.get(5)?,
        edited_at: row.get(6)?,
    })
}

pub(in crate::local) fn find_dataset(
    connection: &Connection,
    hash: &str,
) -> rusqlite::Result<Option<Dataset>> {
    connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM dataset WHERE hash = ?1"))?
        .query_row([hash], from_row)
        .optional()
}

/// All datasets, or those of one project.
pub(in crate::local) fn datasets(
    connection: &Connection,
    project: Option<i64>,
) -> rusqlite::Result<Vec<Dataset>> {
    let wanted = match project {
        None => "?1 IS NULL",
        Some(_) => "dataset.id IN (SELECT dataset FROM project_dataset WHERE project = ?1)",
    };
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM dataset WHERE {wanted} ORDER BY dataset.id"
        ))?
        .query_map([project], from_row)?
        .collect()
}

/// Adds a dataset, or changes title and description of the one that is there. Its folder is made if it is missing.
/// Returns its number, and whether it is new.
pub(in crate::local) fn put_dataset(
    connection: &Connection,
    dataset: &Dataset,
) -> rusqlite::Result<(i64, bool)> {
    put_folder(
        connection,
        &dataset.folder,
        &dataset.title,
        "",
        dataset.created_at,
    )?;
    if let Some(before) = find_dataset(connection, &dataset.hash)? {
        if (&before.title, &before.description) != (&dataset.title, &dataset.description) {
            connection.execute(
                "UPDATE dataset SET title = ?2, description = ?3, edited_at = ?4 WHERE id = ?1",
                params![
                    before.id,
                    dataset.title,
                    dataset.description,
                    dataset.edited_at
                ],
            )?;
        }
        return Ok((before.id, false));
    }
    connection.execute(
        "INSERT INTO dataset (hash, title, description, folder, created_at, edited_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            dataset.hash,
            dataset.title,
            dataset.description,
            dataset.folder,
            dataset.created_at,
            dataset.edited_at
        ],
    )?;
    Ok((connection.last_insert_rowid(), true))
}

/// A storage folder.
#[derive(Debug)]
pub(in crate::local) struct Folder {
    pub(in crate::local) uuid: String,
    pub(in crate::local) title: String,
    pub(in crate::local) description: String,
    /// JSON text of an object.
    pub(in crate::local) client_metadata: Option<String>,
    pub(in crate::local) created_at: i64,
    pub(in crate::local) edited_at: i64,
}

/// Makes a folder, unless it is there.
pub(in crate::local) fn put_folder(
    connection: &Connection,
    uuid: &str,
    title: &str,
    description: &str,
    now: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO folder (uuid, title, description, created_at, edited_at) VALUES (?1, ?2, ?3, ?4, ?4)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![uuid, title, description, now])?;
    Ok(())
}

/// The folder with this UUID, or all.
pub(in crate::local) fn folders(
    connection: &Connection,
    uuid: Option<&str>,
) -> rusqlite::Result<Vec<Folder>> {
    connection
        .prepare_cached(
            "SELECT uuid, title, description, client_metadata, created_at, edited_at FROM folder
             WHERE ?1 IS NULL OR uuid = ?1 ORDER BY created_at, uuid",
        )?
        .query_map([uuid], |row| {
            Ok(Folder {
                uuid: row.get(0)?,
                title: row.get(1)?,
                description: row.get(2)?,
                client_metadata: row.get(3)?,
                created_at: row.get(4)?,
                edited_at: row.get(5)?,
            })
        })?
        .collect()
}

/// A data unit: an item in a dataset.
#[derive(Debug, Clone)]
pub(in crate::local) struct DataUnit {
    pub(in crate::local) id: i64,
    pub(in crate::local) hash: String,
    pub(in crate::local) created_at: i64,
    /// Of a part of a data group: where it is in the layout.
    pub(in crate::local) layout_key: Option<String>,
    pub(in crate::local) item: Item,
}

/// Adds a data unit, and returns its number. `part_of` is the one that it is a part of, and its place there.
pub(in crate::local) fn insert_data_unit(
    connection: &Connection,
    hash: &str,
    dataset: i64,
    item: i64,
    part_of: Option<(i64, usize)>,
    now: i64,
) -> rusqlite::Result<i64> {
    let place = part_of.map(|(_, place)| i64::try_from(place).unwrap_or(i64::MAX));
    connection
        .prepare_cached(
            "INSERT INTO data_unit (hash, dataset, item, parent, place, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            hash,
            dataset,
            item,
            part_of.map(|(parent, _)| parent),
            place,
            now
        ])?;
    Ok(connection.last_insert_rowid())
}

fn unit_from_row(row: &Row<'_>) -> rusqlite::Result<DataUnit> {
    Ok(DataUnit {
        item: items::from_row(row)?,
        id: row.get(items::WIDTH)?,
        hash: row.get(items::WIDTH + 1)?,
        created_at: row.get(items::WIDTH + 2)?,
        layout_key: row.get(items::WIDTH + 3)?,
    })
}

/// The data units of a dataset that are no parts of others, in their order.
pub(in crate::local) fn units_of_dataset(
    connection: &Connection,
    dataset: i64,
) -> rusqlite::Result<Vec<DataUnit>> {
    connection
        .prepare_cached(&format!(
            "SELECT {}, data_unit.id, data_unit.hash, data_unit.created_at, NULL
             FROM data_unit JOIN item ON item.id = data_unit.item
             WHERE data_unit.dataset = ?1 AND data_unit.parent IS NULL ORDER BY data_unit.id",
            items::COLUMNS
        ))?
        .query_map([dataset], unit_from_row)?
        .collect()
}

/// The parts of a data unit, in their order.
pub(in crate::local) fn parts_of_unit(
    connection: &Connection,
    unit: i64,
) -> rusqlite::Result<Vec<DataUnit>> {
    connection
        .prepare_cached(&format!(
            "SELECT {}, data_unit.id, data_unit.hash, data_unit.created_at, part.layout_key
             FROM data_unit JOIN item ON item.id = data_unit.item
             JOIN data_unit AS whole ON whole.id = data_unit.parent
             JOIN part ON part.whole = whole.item AND part.place = data_unit.place
             WHERE data_unit.parent = ?1 ORDER BY data_unit.place",
            items::COLUMNS
        ))?
        .query_map([unit], unit_from_row)?
        .collect()
}

/// A data unit of a dataset that is no part of another.
pub(in crate::local) fn find_unit(
    connection: &Connection,
    dataset: i64,
    hash: &str,
) -> rusqlite::Result<Option<DataUnit>> {
    connection
        .prepare_cached(&format!(
            "SELECT {}, data_unit.id, data_unit.hash, data_unit.created_at, NULL
             FROM data_unit JOIN item ON item.id = data_unit.item
             WHERE data_unit.hash = ?2 AND data_unit.dataset = ?1 AND data_unit.parent IS NULL",
            items::COLUMNS
        ))?
        .query_row(params![dataset, hash], unit_from_row)
        .optional()
}

/// Whether there is a data unit with this hash, in whichever dataset.
fn has_data_unit(connection: &Connection, hash: &str) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM data_unit WHERE hash = ?1)")?
        .query_row([hash], |row| row.get(0))
}

/// Recorded path, title and kind of each item of a dataset that is one file and no part of another, in the order of
/// the dataset.
pub(in crate::local) fn recorded_items(
    connection: &Connection,
    dataset: &str,
) -> rusqlite::Result<Vec<(String, String)>> {
    connection
        .prepare_cached(
            "SELECT item.path, item.title FROM data_unit
             JOIN item ON item.id = data_unit.item JOIN dataset ON dataset.id = data_unit.dataset
             WHERE dataset.hash = ?1 AND data_unit.parent IS NULL AND item.path IS NOT NULL ORDER BY data_unit.id",
        )?
        .query_map([dataset], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// What to do with an item that the dataset has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::local) enum Twice {
    Skip,
    /// It gets another data unit.
    Add,
}

/// Makes a data unit of an item and, below it, of each of its parts. `None` if the dataset has the item already,
/// which then stays as it is.
pub(in crate::local) fn link_item(
    connection: &Connection,
    dataset: &Dataset,
    item: &Item,
    twice: Twice,
    now: i64,
) -> rusqlite::Result<Option<DataUnit>> {
    let linked: u32 = connection
        .prepare_cached(
            "SELECT count(*) FROM data_unit WHERE item = ?2 AND dataset = ?1 AND parent IS NULL",
        )?
        .query_row([dataset.id, item.id], |row| row.get(0))?;
    if linked > 0 && twice == Twice::Skip {
        return Ok(None);
    }
    let scope = dataset.hash.parse().unwrap_or_default();
    // The first gets the same hash each time that it is linked, further ones get any.
    let mut hash = identity::uuid(scope, "data unit of item", &[&item.uuid]);
    if has_data_unit(connection, &hash.to_string())? {
        hash = Uuid::new_v4();
    }
    let unit = hash.to_string();
    let id = insert_data_unit(connection, &unit, dataset.id, item.id, None, now)?;
    link_parts(connection, dataset, (id, hash), item, now)?;
    Ok(Some(DataUnit {
        id,
        hash: unit,
        created_at: now,
        layout_key: None,
        item: item.clone(),
    }))
}

/// `whole` is number and hash of the item's data unit.
fn link_parts(
    connection: &Connection,
    dataset: &Dataset,
    whole: (i64, Uuid),
    item: &Item,
    now: i64,
) -> rusqlite::Result<()> {
    // The images of an image sequence are no data units: it is labelled as a video.
    if !item.kind.has_parts() {
        return Ok(());
    }
    let (id, scope) = whole;
    for (place, part) in items::parts_of(connection, item.id)?.iter().enumerate() {
        let hash = identity::uuid(scope, "part", &[&place.to_string(), &part.uuid]);
        let within = Some((id, place));
        let text = hash.to_string();
        let id = insert_data_unit(connection, &text, dataset.id, part.id, within, now)?;
        link_parts(connection, dataset, (id, hash), part, now)?;
    }
    Ok(())
}
