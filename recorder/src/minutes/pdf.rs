//! The printed page: typst sets our template with the document's words and writes PDF/A-2b. The
//! compiler sees four embedded files and four embedded fonts and nothing else: no disk, no network, no
//! package, no clock. The words are data (JSON strings), so nothing in them is ever run as markup.

use protocol::table::TableDocument;
use typst::diag::{FileError, FileResult, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Duration, Smart};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards, Timestamp};

use super::Error;
use super::calendar::LocalTime;
use super::fonts::{self, FONTS};
use super::sheet::Sheet;
use super::text;

/// Minutes that Vietnam's clocks are ahead of UTC.
const AHEAD_OF_UTC_MINUTES: i32 = 7 * 60;

/// Most compiler messages that an error repeats.
const MESSAGES_MAX: usize = 3;

/// Prints the words of a document.
pub(super) fn render(sheet: Sheet) -> Result<Vec<u8>, Error> {
    let printable = |text: &str| text::printable(text, fonts::has_glyph);
    let sheet = sheet.map(
        |body| text::breakable(&printable(body), text::BODY_WORD_CHARS_MAX),
        |cell| text::breakable(&printable(cell), text::CELL_WORD_CHARS_MAX),
    );
    let data = serde_json::to_vec(&sheet).map_err(|error| Error::Layout(error.to_string()))?;
    let form = if sheet.party { include_str!("party.typ") } else { include_str!("state.typ") };
    set(form, data, timestamp(sheet.dated))
}

/// Prints a table whose cells are words.
pub(super) fn table(table: &TableDocument) -> Result<Vec<u8>, Error> {
    let text = serde_json::to_string(table).map_err(|error| Error::Layout(error.to_string()))?;
    let printable = text::printable(&text, fonts::has_glyph);
    set(include_str!("table.typ"), printable.into_bytes(), timestamp(None))
}

/// Sets a template with its data.
fn set(template: &str, data: Vec<u8>, timestamp: Option<Timestamp>) -> Result<Vec<u8>, Error> {
    let press = Press::new(template, data)?;
    let document = typst::compile::<PagedDocument>(&press).output;
    let document = document.map_err(|errors| Error::Layout(messages(&errors)))?;
    let standards = PdfStandards::new(&[PdfStandard::A_2b])
        .map_err(|error| Error::Export(error.message().to_string()))?;
    let options = PdfOptions {
        creator: Smart::Custom(Some("Điểm Cầu".to_owned())),
        timestamp,
        standards,
        ..PdfOptions::default()
    };
    typst_pdf::pdf(&document, &options).map_err(|errors| Error::Export(messages(&errors)))
}

/// The file's own date is the document's: the same data always print to the same bytes.
fn timestamp(dated: Option<LocalTime>) -> Option<Timestamp> {
    // PDF/A wants a date, even where the data have none that can be meant.
    let epoch = LocalTime { year: 1970, month: 1, day: 1, hour: 0, minute: 0 };
    let at = dated.unwrap_or(epoch);
    let year = i32::try_from(at.year).ok()?;
    let [month, day, hour, minute] =
        [at.month, at.day, at.hour, at.minute].map(|part| u8::try_from(part).ok());
    let datetime = Datetime::from_ymd_hms(year, month?, day?, hour?, minute?, 0)?;
    Timestamp::new_local(datetime, AHEAD_OF_UTC_MINUTES)
}

fn messages(errors: &[SourceDiagnostic]) -> String {
    let texts = errors.iter().take(MESSAGES_MAX).map(|error| error.message.as_str());
    texts.collect::<Vec<_>>().join("; ")
}

/// The compiler's whole world.
struct Press {
    library: LazyHash<Library>,
    book: LazyHash<FontBook>,
    main: FileId,
    sources: Vec<Source>,
    data: (FileId, Bytes),
}

impl Press {
    fn new(template: &str, data: Vec<u8>) -> Result<Self, Error> {
        let main = file("main.typ")?;
        Ok(Self {
            library: LazyHash::new(Library::default()),
            book: LazyHash::new(FontBook::from_fonts(FONTS.iter())),
            main,
            sources: vec![
                Source::new(main, template.to_owned()),
                Source::new(file("body.typ")?, include_str!("body.typ").to_owned()),
            ],
            data: (file("data.json")?, Bytes::new(data)),
        })
    }
}

/// The id of one of our few files. Ids are kept by typst for the life of the process.
fn file(name: &str) -> Result<FileId, Error> {
    let path = VirtualPath::new(name).map_err(|error| Error::Layout(format!("{error:?}")))?;
    Ok(FileId::new(RootedPath::new(VirtualRoot::Project, path)))
}

impl World for Press {
    fn library(&self) -> &LazyHash<Library> {
        &self.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &self.book
    }

    fn main(&self) -> FileId {
        self.main
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        let source = self.sources.iter().find(|source| source.id() == id);
        source.cloned().ok_or(FileError::AccessDenied)
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        let (data_id, data) = &self.data;
        if id == *data_id { Ok(data.clone()) } else { Err(FileError::AccessDenied) }
    }

    fn font(&self, index: usize) -> Option<Font> {
        FONTS.get(index).cloned()
    }

    fn today(&self, _offset: Option<Duration>) -> Option<Datetime> {
        None
    }
}
