//! `runner:stage/values`

use wasmtime::component::Resource;

use super::bindings::runner::stage::types::Error;
use super::bindings::runner::stage::values::{Host, HostValue, ValueKind};
use super::declaration;
use super::handles::ValueHandle;
use super::provide::Value;
use super::state::{State, forget};

type Result<T> = wasmtime::Result<T>;
type Answered<T> = std::result::Result<T, Error>;

impl State {
    /// Hands a value out.
    pub(super) fn value_handle(&mut self, value: Value) -> Resource<ValueHandle> {
        let known = self.values.iter().position(|known| known.is(&value));
        let at = known.unwrap_or_else(|| {
            self.values.push(value);
            self.values.len() - 1
        });
        Resource::new_own(at as u32)
    }

    fn value(&self, handle: &Resource<ValueHandle>) -> Result<&Value> {
        self.values
            .get(handle.rep() as usize)
            .ok_or_else(|| wasmtime::format_err!("the handle {} was never given out", handle.rep()))
    }
}

fn not_of_kind(expected: &str, value: &Value) -> Error {
    Error::Unsupported(format!(
        "expected a value that is {expected}, found one that is {}",
        value.kind().name()
    ))
}

impl Host for State {}

impl HostValue for State {
    fn kind(&mut self, handle: Resource<ValueHandle>) -> Result<ValueKind> {
        Ok(match self.value(&handle)?.kind() {
            declaration::ValueKind::Json => ValueKind::Json,
            declaration::ValueKind::Bytes => ValueKind::Bytes,
            declaration::ValueKind::Service => ValueKind::Service,
        })
    }

    fn size(&mut self, handle: Resource<ValueHandle>) -> Result<u64> {
        Ok(self.value(&handle)?.bytes().map_or(0, <[u8]>::len) as u64)
    }

    fn to_json(&mut self, handle: Resource<ValueHandle>) -> Result<Answered<String>> {
        Ok(match self.value(&handle)? {
            Value::Json(text) => Ok(text.to_string()),
            other => Err(not_of_kind("JSON", other)),
        })
    }

    fn to_bytes(&mut self, handle: Resource<ValueHandle>) -> Result<Answered<Vec<u8>>> {
        let value = self.value(&handle)?;
        Ok(value
            .bytes()
            .map(<[u8]>::to_vec)
            .ok_or_else(|| not_of_kind("bytes or JSON", value)))
    }

    fn read(
        &mut self,
        handle: Resource<ValueHandle>,
        offset: u64,
        length: u32,
    ) -> Result<Answered<Vec<u8>>> {
        let value = self.value(&handle)?;
        let Some(bytes) = value.bytes() else {
            return Ok(Err(not_of_kind("bytes or JSON", value)));
        };
        let start = usize::try_from(offset).map_or(bytes.len(), |start| start.min(bytes.len()));
        let end = start.saturating_add(length as usize).min(bytes.len());
        Ok(Ok(bytes[start..end].to_vec()))
    }

    async fn call(
        &mut self,
        handle: Resource<ValueHandle>,
        function: String,
        input: Vec<u8>,
    ) -> Result<Answered<Vec<u8>>> {
        match self.value(&handle)?.clone() {
            Value::Service(service) => Ok(service.call(&function, &input).await),
            other => Ok(Err(not_of_kind("a service", &other))),
        }
    }

    fn drop(&mut self, handle: Resource<ValueHandle>) -> Result<()> {
        forget(handle)
    }
}
