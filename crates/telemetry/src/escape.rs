//! Makes untrusted text safe to show on a terminal.

use std::fmt::{self, Write};

/// Writes `text` with everything escaped that could move a cursor, change colours, break a line or turn
/// the direction of writing.
///
/// # Errors
/// Those of `out`.
pub fn escape_control(out: &mut impl Write, text: &str) -> fmt::Result {
    for char in text.chars() {
        if is_treacherous(char) {
            write!(out, "{}", char.escape_default())?;
        } else {
            out.write_char(char)?;
        }
    }
    Ok(())
}

/// Control characters (C0, DEL, C1), line and paragraph separators, and marks of writing direction.
pub(crate) fn is_treacherous(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// A writer that escapes all that passes through it.
pub(crate) struct Escaped<'a, W>(pub(crate) &'a mut W);

impl<W: Write> Write for Escaped<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        escape_control(self.0, text)
    }
}
