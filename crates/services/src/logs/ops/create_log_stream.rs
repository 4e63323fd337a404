//! `CreateLogStream`

use landfall_api::logs::{self as api, error};
use landfall_store::{Tx, View};

use crate::logs::lookup::{Group, Stream};
use crate::logs::record::{LogStream, STREAMS};
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::CreateLogStream {
    type Request = Checked<Stream>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let group = Group::named(cx, view, input.log_group_name)?;
        let stream = Stream::in_group(view, group, input.log_stream_name)?;
        let permission = stream.permission("logs:CreateLogStream");
        Ok(Checked::one(stream, permission))
    }
}

impl WriteHandler for api::CreateLogStream {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let stream = request.into_request();
        stream.group.row()?;
        if stream.exists() {
            let text = "The specified log stream already exists";
            return Err(error::resource_already_exists_exception(text).into());
        }
        tx.put(&STREAMS, &stream.key(), LogStream::new(cx.now));
        Ok(api::CreateLogStreamResponse {})
    }
}
