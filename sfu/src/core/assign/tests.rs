//! To come with the fill of lines.
