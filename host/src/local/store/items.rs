//! Storage items: the media files.

use rusqlite::{Connection, OptionalExtension, Row, named_params, params};

use crate::local::media::MediaKind;
use crate::local::probe::Properties;

/// A storage item.
#[derive(Debug, Clone)]
pub(in crate::local) struct Item {
    pub(in crate::local) position: i64,
    pub(in crate::local) uuid: String,
    pub(in crate::local) data_hash: String,
    /// As recorded: absolute, or relative to the project's folder.
    pub(in crate::local) path: String,
    pub(in crate::local) title: String,
    pub(in crate::local) description: String,
    pub(in crate::local) kind: MediaKind,
    pub(in crate::local) mime_type: String,
    pub(in crate::local) properties: Properties,
    /// JSON text of an object.
    pub(in crate::local) client_metadata: Option<String>,
    /// In milliseconds since 1970, as `edited_at`.
    pub(in crate::local) created_at: i64,
    pub(in crate::local) edited_at: i64,
}

/// What may be changed about an item; absent means unchanged.
#[derive(Debug, Default)]
pub(in crate::local) struct ItemPatch {
    pub(in crate::local) title: Option<String>,
    pub(in crate::local) description: Option<String>,
    pub(in crate::local) client_metadata: Option<String>,
}

pub(super) const COLUMNS: &str = "item.position, item.uuid, item.data_hash, item.path, item.title, \
    item.description, item.item_type, item.mime_type, item.size, item.width, item.height, item.fps, \
    item.duration, item.frames, item.audio_codec, item.audio_sample_rate, item.audio_bit_depth, \
    item.audio_channels, item.client_metadata, item.created_at, item.edited_at";

/// How many columns that are.
pub(super) const WIDTH: usize = 21;

pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Item> {
    let item_type: String = row.get(6)?;
    let kind = MediaKind::from_item_type(&item_type).ok_or_else(|| {
        rusqlite::Error::FromSqlConversionFailure(
            6,
            rusqlite::types::Type::Text,
            format!("expected a type of storage item, found `{item_type}`").into(),
        )
    })?;
    Ok(Item {
        position: row.get(0)?,
        uuid: row.get(1)?,
        data_hash: row.get(2)?,
        path: row.get(3)?,
        title: row.get(4)?,
        description: row.get(5)?,
        kind,
        mime_type: row.get(7)?,
        properties: Properties {
            mime_type: None,
            // SQLite has no unsigned numbers; a size is never negative.
            size: row.get::<_, i64>(8)?.unsigned_abs(),
            width: row.get(9)?,
            height: row.get(10)?,
            fps: row.get(11)?,
            duration: row.get(12)?,
            frames: row.get(13)?,
            audio_codec: row.get(14)?,
            audio_sample_rate: row.get(15)?,
            audio_bit_depth: row.get(16)?,
            audio_channels: row.get(17)?,
        },
        client_metadata: row.get(18)?,
        created_at: row.get(19)?,
        edited_at: row.get(20)?,
    })
}

/// Adds the item behind all others, whatever its `position` says, with a new task at `stage`.
pub(in crate::local) fn insert_item(
    connection: &Connection,
    item: &Item,
    task_uuid: &str,
    stage: &str,
) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO item (uuid, data_hash, path, title, item_type, mime_type, size, width, height, fps, duration,
             frames, audio_codec, audio_sample_rate, audio_bit_depth, audio_channels, created_at, edited_at)
         VALUES (:uuid, :data_hash, :path, :title, :item_type, :mime_type, :size, :width, :height, :fps, :duration,
             :frames, :audio_codec, :audio_sample_rate, :audio_bit_depth, :audio_channels, :created_at, :created_at)",
    )?;
    let properties = &item.properties;
    insert.execute(named_params! {
        ":uuid": item.uuid,
        ":data_hash": item.data_hash,
        ":path": item.path,
        ":title": item.title,
        ":item_type": item.kind.item_type(),
        ":mime_type": item.mime_type,
        ":size": i64::try_from(properties.size).unwrap_or(i64::MAX),
        ":width": properties.width,
        ":height": properties.height,
        ":fps": properties.fps,
        ":duration": properties.duration,
        ":frames": properties.frames,
        ":audio_codec": properties.audio_codec,
        ":audio_sample_rate": properties.audio_sample_rate,
        ":audio_bit_depth": properties.audio_bit_depth,
        ":audio_channels": properties.audio_channels,
        ":created_at": item.created_at,
    })?;
    let position = connection.last_insert_rowid();
    connection
        .prepare_cached(
            "INSERT INTO task (position, uuid, stage, status, created_at, updated_at)
             VALUES (?1, ?2, ?3, 'NEW', ?4, ?4)",
        )?
        .execute(params![position, task_uuid, stage, item.created_at])?;
    Ok(())
}

/// The items with these UUIDs, in the order of the list. `None` stands for an unknown one.
pub(in crate::local) fn find_items(
    connection: &Connection,
    uuids: &[String],
) -> rusqlite::Result<Vec<Option<Item>>> {
    let mut find =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM item WHERE uuid = ?1"))?;
    uuids
        .iter()
        .map(|uuid| find.query_row([uuid], from_row).optional())
        .collect()
}

/// Recorded path and title of every item, in the order of the project.
pub(in crate::local) fn recorded_items(
    connection: &Connection,
) -> rusqlite::Result<Vec<(String, String)>> {
    connection
        .prepare_cached("SELECT path, title FROM item ORDER BY position")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// True if there was such an item.
pub(in crate::local) fn patch_item(
    connection: &Connection,
    uuid: &str,
    patch: &ItemPatch,
    now: i64,
) -> rusqlite::Result<bool> {
    let changed = connection
        .prepare_cached(
            "UPDATE item SET title = coalesce(?2, title), description = coalesce(?3, description),
                 client_metadata = coalesce(?4, client_metadata), edited_at = ?5
             WHERE uuid = ?1",
        )?
        .execute(params![
            uuid,
            patch.title,
            patch.description,
            patch.client_metadata,
            now
        ])?;
    Ok(changed > 0)
}
