//! The classes that users see: frozen, lazy, safe to share between threads.
//!
//! [`Request`] is made from [`RequestParts`] by whoever has read a head; a [`Response`] is read
//! through [`ResponseView`] by whoever writes one. Nothing here knows sockets, routes or JSON.

mod abc;
mod address;
mod answer_fields;
mod awaited_body;
mod body_pieces;
mod body_source;
mod event;
mod extra_fields;
mod field_rules;
mod fields;
mod file_response;
mod form_source;
mod headers;
mod lazy;
mod making;
mod mutable_headers;
mod part_reader;
mod parts;
mod query_params;
mod request;
mod response;
mod response_body;
mod response_kinds;
mod response_view;
mod set_cookie;
mod state;
mod stored_file;
mod stream_kinds;
mod text;
mod url;

pub use abc::register;
pub use address::address_class;
pub use answer_fields::{AnswerField, AnswerFields};
pub(crate) use body_source::body_exception;
pub use body_source::{BodyForm, BodySource};
pub use event::Event;
pub(crate) use extra_fields::trailer_fields;
pub use fields::FieldBlock;
pub use file_response::{FileResponse, FileSource};
pub use form_source::FormRules;
pub use headers::Headers;
pub use mutable_headers::MutableHeaders;
pub use part_reader::PartReader;
pub use parts::{HttpVersion, RequestParts};
pub use query_params::QueryParams;
pub use request::Request;
pub use response::Response;
pub use response_body::{ResponseBody, StreamContent, StreamForm};
pub use response_kinds::{HtmlResponse, JsonResponse, PlainTextResponse, RedirectResponse};
pub use response_view::ResponseView;
pub use state::State;
pub use stored_file::StoredFile;
pub use stream_kinds::{EventSourceResponse, StreamingResponse};
pub(crate) use text::latin1;
pub use url::{Target, Url};
