//! What a file is known by.

use uuid::Uuid;

use crate::error::MediaError;
use crate::suffix::is_suffix;

/// The length of a UUID with hyphens.
const UUID_LENGTH: usize = 36;

/// What a file is known by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileKey {
    /// The storage item whose file it is.
    pub item: Uuid,
    /// In bytes, as the platform says. An item whose file was replaced by one of another size is another key; whether the
    /// download has this size is not checked.
    pub size: Option<u64>,
    /// What the name ends in (`.jpg`), as [`suffix()`](crate::suffix()) gives it. May be empty.
    pub suffix: String,
}

impl FileKey {
    /// The name that programs see.
    pub(super) fn name(&self) -> String {
        format!("{}{}", self.item, self.suffix)
    }

    /// The name in the folder of the store.
    pub(super) fn stored_name(&self) -> Result<String, MediaError> {
        if !is_suffix(&self.suffix) {
            return Err(MediaError::invalid(format!(
                "expected a suffix such as `.jpg`, found {:?}",
                self.suffix
            )));
        }
        let size = self.size.map(|size| format!("-{size}")).unwrap_or_default();
        Ok(format!("{}{size}{}", self.item, self.suffix))
    }
}

/// Whether [`FileKey::stored_name`] gives such names. Files with others are not the store's.
pub(super) fn is_stored_name(name: &str) -> bool {
    let Some((item, rest)) = name.split_at_checked(UUID_LENGTH) else {
        return false;
    };
    let (size, suffix) = rest.split_at(rest.find('.').unwrap_or(rest.len()));
    let is_size = size.is_empty()
        || size
            .strip_prefix('-')
            .is_some_and(|digits| digits.parse::<u64>().is_ok());
    // One form of the several that can be parsed.
    let is_item = Uuid::parse_str(item).is_ok_and(|uuid| uuid.to_string() == item);
    is_item && is_size && is_suffix(suffix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_names_are_recognised() {
        let item = Uuid::from_u128(7);
        for (size, suffix) in [
            (None, ""),
            (Some(5), ".jpg"),
            (None, ".x-wav"),
            (Some(0), ""),
        ] {
            let suffix = suffix.to_owned();
            let key = FileKey { item, size, suffix };
            let name = key.stored_name().expect("a suffix");
            assert!(is_stored_name(&name), "{name}");
        }
        let upper = Uuid::from_u128(0xab).to_string().to_uppercase();
        for name in [
            "",
            "notes.txt",
            &upper,
            &format!("{item}-x.jpg"),
            &format!("{item}x"),
        ] {
            assert!(!is_stored_name(name), "{name}");
        }
    }

    #[test]
    fn a_suffix_cannot_leave_the_folder() {
        let key = FileKey {
            item: Uuid::nil(),
            size: None,
            suffix: "/../x".to_owned(),
        };
        let error = key.stored_name().expect_err("a path");
        assert_eq!(
            error.to_string(),
            "expected a suffix such as `.jpg`, found \"/../x\""
        );
    }
}
