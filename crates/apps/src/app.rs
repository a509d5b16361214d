//! An app that runs: a module that was opened, and is called within limits until it is stopped.

use playhouse_media::time::Timestamp;
use wasmi::{Config, Engine, ExternType, Linker, Memory, Module, Store, TypedFunc, WasmParams, WasmResults};

use crate::host::{Host, MODULE, Minute, OFFERED, Said, offer, part};
use crate::limits::{ABI, DEPTH, FUEL_PER_CALL, LARGEST_MODULE, STACK};
use crate::refused::{Refused, Stopped};

/// An app that runs.
pub struct App {
    store: Store<Host>,
    memory: Memory,
    alloc: TypedFunc<i32, i32>,
    observe: TypedFunc<(i32, i32), ()>,
    tick: Option<TypedFunc<i64, ()>>,
    minute: Minute,
    stopped: Option<Stopped>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("stopped", &self.stopped).finish_non_exhaustive()
    }
}

impl App {
    /// Opens a module. Takes a moment for a large one.
    ///
    /// # Errors
    /// Why it is none that may run.
    pub fn open(bytes: &[u8]) -> Result<Self, Refused> {
        if bytes.len() > LARGEST_MODULE {
            return Err(Refused::Long(bytes.len()));
        }
        let engine = Engine::new(&config());
        let module = Module::new(&engine, bytes).map_err(|error| Refused::Module(error.to_string()))?;
        check_imports(&module)?;
        let mut linker = Linker::new(&engine);
        offer(&mut linker).map_err(|error| Refused::Module(error.to_string()))?;
        let mut store = Store::new(&engine, Host::new());
        store.limiter(|host| &mut host.limits);
        fuel(&mut store).map_err(Refused::Start)?;
        let instance = linker
            .instantiate_and_start(&mut store, &module)
            .map_err(|error| Refused::Start(error.into()))?;
        let memory = instance.get_memory(&store, "memory").ok_or(Refused::Export("its `memory`"))?;
        let abi: TypedFunc<(), i32> = instance
            .get_typed_func(&store, "playhouse_abi")
            .or(Err(Refused::Export("`playhouse_abi() -> i32`")))?;
        let alloc = instance
            .get_typed_func(&store, "alloc")
            .or(Err(Refused::Export("`alloc(length: i32) -> i32`")))?;
        let observe = instance
            .get_typed_func(&store, "observe")
            .or(Err(Refused::Export("`observe(place: i32, length: i32)`")))?;
        let tick = match instance.get_func(&store, "tick") {
            Some(tick) => {
                Some(tick.typed(&store).or(Err(Refused::Export("its `tick` as `tick(now_ms: i64)`")))?)
            }
            None => None,
        };
        let is = abi.call(&mut store, ()).map_err(|error| Refused::Start(error.into()))?;
        if is != ABI {
            return Err(Refused::Abi(is));
        }
        // What it says before it was told anything is about nothing.
        store.data_mut().said = Said::default();
        Ok(Self { store, memory, alloc, observe, tick, minute: Minute::default(), stopped: None })
    }

    /// Tells it an observation, as [`crate::Told`] writes it.
    ///
    /// # Errors
    /// Why it is stopped. It is not called any more after that, and gives the same answer.
    pub fn observe(&mut self, now: Timestamp, told: &[u8]) -> Result<Said, Stopped> {
        self.call(now, |app| {
            let Ok(length) = i32::try_from(told.len()) else { return Ok(()) };
            let place = invoke(&mut app.store, app.alloc, length)?;
            // It has no room for this one.
            if place == 0 {
                return Ok(());
            }
            let memory = app.memory.data(&app.store);
            part(memory, place, length).ok_or(Stopped::Place("`alloc`"))?;
            let at = usize::try_from(place.cast_unsigned()).unwrap_or(usize::MAX);
            app.memory.write(&mut app.store, at, told).or(Err(Stopped::Place("`alloc`")))?;
            invoke(&mut app.store, app.observe, (place, length))
        })
    }

    /// Time goes on: it is `date_ms` milliseconds since 1970. Called about once a second.
    ///
    /// # Errors
    /// As with [`Self::observe`].
    pub fn tick(&mut self, now: Timestamp, date_ms: u64) -> Result<Said, Stopped> {
        let Some(tick) = self.tick else { return self.stopped.clone().map_or(Ok(Said::default()), Err) };
        let date = i64::try_from(date_ms).unwrap_or(i64::MAX);
        self.call(now, |app| invoke(&mut app.store, tick, date))
    }

    fn call(
        &mut self,
        now: Timestamp,
        what: impl FnOnce(&mut Self) -> Result<(), Stopped>,
    ) -> Result<Said, Stopped> {
        if let Some(stopped) = &self.stopped {
            return Err(stopped.clone());
        }
        let done = fuel(&mut self.store).and_then(|()| what(self)).and_then(|()| {
            let left = self.store.get_fuel().unwrap_or_default();
            let events = self.store.data().said.events.len();
            self.minute.count(now, FUEL_PER_CALL.saturating_sub(left), events)
        });
        let said = std::mem::take(&mut self.store.data_mut().said);
        done.map(|()| said).inspect_err(|stopped| self.stopped = Some(stopped.clone()))
    }
}

fn invoke<P: WasmParams, R: WasmResults>(
    store: &mut Store<Host>,
    function: TypedFunc<P, R>,
    with: P,
) -> Result<R, Stopped> {
    function.call(store, with).map_err(Into::into)
}

/// What one call may burn.
fn fuel(store: &mut Store<Host>) -> Result<(), Stopped> {
    store.set_fuel(FUEL_PER_CALL).map_err(Into::into)
}

fn config() -> Config {
    // Without `EnforcedLimits`: with them wasmi 2.0 divides by the number of functions, of which a module may claim none.
    // Our own limits, and the module's length, bound the same.
    let mut config = Config::default();
    config.consume_fuel(true).ignore_custom_sections(true);
    config.set_max_recursion_depth(DEPTH).set_max_stack_height(STACK).wasm_multi_memory(false);
    config
}

fn check_imports(module: &Module) -> Result<(), Refused> {
    for import in module.imports() {
        let (from, name) = (import.module(), import.name());
        let offered = OFFERED.iter().find(|(offered, _)| from == MODULE && name == *offered);
        let &(name, shape) = offered.ok_or_else(|| Refused::Import(shown(from), shown(name)))?;
        if !is_offered(name, import.ty()) {
            return Err(Refused::Shape(name.to_owned(), shape));
        }
    }
    Ok(())
}

/// A name that a module gives may be of any length.
fn shown(name: &str) -> String {
    name.chars().take(LONGEST_SHOWN).collect()
}

/// The most characters of a module's own names in a sentence.
const LONGEST_SHOWN: usize = 60;

fn is_offered(name: &str, ty: &ExternType) -> bool {
    use wasmi::ValType::{F64, I32};
    let ExternType::Func(function) = ty else { return false };
    let wanted: &[_] = if name == "emit" { &[I32, I32, F64] } else { &[I32, I32] };
    function.params() == wanted && function.results().is_empty()
}
