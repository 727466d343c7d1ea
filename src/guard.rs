//! Panics as errors: some libraries panic on a corrupt file instead of refusing it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The message of a payload of [`catch_unwind`].
#[must_use]
pub fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied());
    text.unwrap_or("no message").into()
}

/// Reads a file by a library that may panic on a corrupt one.
///
/// # Errors
/// The panic's message, with what the file probably is.
pub fn guarded<T>(read: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(read)).map_err(|payload| {
        format!(
            "the file is corrupt: its reader failed with {:?}; make it anew",
            message(&*payload)
        )
    })
}

/// The items of `items`, which reads a file like [`guarded`]. A panic is the last item.
pub fn each_guarded<T>(
    items: impl Iterator<Item = Result<T, String>>,
) -> impl Iterator<Item = Result<T, String>> {
    let mut items = Some(items);
    std::iter::from_fn(move || {
        let next = guarded(|| items.as_mut()?.next());
        next.unwrap_or_else(|fault| {
            items = None;
            Some(Err(fault))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_the_last_item() {
        let items = [1, 0, 2].map(|number| move || 4_u32.checked_div(number).expect("no zero"));
        let read: Vec<_> = each_guarded(items.into_iter().map(|item| Ok(item()))).collect();
        let fault = r#"the file is corrupt: its reader failed with "no zero"; make it anew"#;
        assert_eq!(read, [Ok(4), Err(fault.to_owned())]);
    }
}
