//! Storage items: the media files, and what is made of several of them.

use rusqlite::{Connection, OptionalExtension, Row, named_params, params};

use crate::local::media::MediaKind;
use crate::local::probe::Properties;

/// A storage item.
#[derive(Debug, Clone)]
pub(in crate::local) struct Item {
    pub(in crate::local) id: i64,
    pub(in crate::local) uuid: String,
    /// UUID of the storage folder that it is in.
    pub(in crate::local) folder: String,
    /// As recorded: absolute, or relative to the folder of `project.toml`. Absent if it is not one file.
    pub(in crate::local) path: Option<String>,
    pub(in crate::local) title: String,
    pub(in crate::local) description: String,
    pub(in crate::local) kind: MediaKind,
    pub(in crate::local) mime_type: Option<String>,
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

pub(super) const COLUMNS: &str = "item.id, item.uuid, item.folder, item.path, item.title, \
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
        id: row.get(0)?,
        uuid: row.get(1)?,
        folder: row.get(2)?,
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

/// Adds the item behind all others, whatever its `id` says, and returns the number that it got. One that is not
/// `listed` is nothing but a part of others.
pub(in crate::local) fn insert_item(
    connection: &Connection,
    item: &Item,
    listed: bool,
) -> rusqlite::Result<i64> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO item (uuid, folder, listed, path, title, description, item_type, mime_type,
             size, width, height, fps, duration, frames, audio_codec, audio_sample_rate, audio_bit_depth,
             audio_channels, client_metadata, created_at, edited_at)
         VALUES (:uuid, :folder, :listed, :path, :title, :description, :item_type, :mime_type,
             :size, :width, :height, :fps, :duration, :frames, :audio_codec, :audio_sample_rate, :audio_bit_depth,
             :audio_channels, :client_metadata, :created_at, :created_at)",
    )?;
    let properties = &item.properties;
    insert.execute(named_params! {
        ":uuid": item.uuid,
        ":folder": item.folder,
        ":listed": listed,
        ":path": item.path,
        ":title": item.title,
        ":description": item.description,
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
        ":client_metadata": item.client_metadata,
        ":created_at": item.created_at,
    })?;
    Ok(connection.last_insert_rowid())
}

/// Makes an item a part of another. The key says where it is in the layout of a data group.
pub(in crate::local) fn insert_part(
    connection: &Connection,
    whole: i64,
    place: usize,
    item: i64,
    layout_key: Option<&str>,
) -> rusqlite::Result<()> {
    let place = i64::try_from(place).unwrap_or(i64::MAX);
    connection
        .prepare_cached(
            "INSERT INTO part (whole, place, item, layout_key) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![whole, place, item, layout_key])?;
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

/// The parts of an item, in their order.
pub(in crate::local) fn parts_of(
    connection: &Connection,
    item: i64,
) -> rusqlite::Result<Vec<Item>> {
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM part JOIN item ON item.id = part.item WHERE part.whole = ?1 ORDER BY part.place"
        ))?
        .query_map([item], from_row)?
        .collect()
}

/// The items of a folder that are more than parts of others: at most `limit` of them behind the one with the number `after`.
pub(in crate::local) fn items_in_folder(
    connection: &Connection,
    folder: &str,
    after: i64,
    limit: usize,
) -> rusqlite::Result<Vec<Item>> {
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM item WHERE folder = ?1 AND id > ?2 AND listed ORDER BY id LIMIT ?3"
        ))?
        .query_map(
            params![folder, after, i64::try_from(limit).unwrap_or(i64::MAX)],
            from_row,
        )?
        .collect()
}

/// How many data units an item is behind.
pub(in crate::local) fn backed_units(connection: &Connection, item: i64) -> rusqlite::Result<u32> {
    connection
        .prepare_cached("SELECT count(*) FROM data_unit WHERE item = ?1")?
        .query_row([item], |row| row.get(0))
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
