//! `DeleteLogStream`: a stream with its events.

use landfall_api::logs as api;
use landfall_store::{Tx, View};

use crate::logs::lookup::{Group, Stream};
use crate::logs::record::{DISCARDED, Discarded, STREAMS};
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::DeleteLogStream {
    type Request = Checked<Stream>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let group = Group::named(cx, view, input.log_group_name)?;
        let stream = Stream::in_group(view, group, input.log_stream_name)?;
        let permission = stream.permission("logs:DeleteLogStream");
        Ok(Checked::one(stream, permission))
    }
}

impl WriteHandler for api::DeleteLogStream {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let stream = request.into_request();
        let (_, row) = stream.rows()?;
        tx.put(&DISCARDED, &row.number, Discarded { at: cx.now });
        tx.delete(&STREAMS, &stream.key());
        Ok(api::DeleteLogStreamResponse {})
    }
}
