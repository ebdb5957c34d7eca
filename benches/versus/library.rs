//! A build of the library, loaded by its path, and the peer managers that it opens. Whatever is called goes through the
//! functions that it exports, with the structs of the newest header: every version serves them as long as the fields that
//! it does not know are 0.
#![expect(unsafe_code, reason = "shared libraries are loaded, and called as C calls them")]

use std::ffi::{CStr, CString, c_char, c_void};
use std::mem::{self, MaybeUninit};
use std::path::Path;
use std::ptr;
use std::sync::atomic::{AtomicI64, Ordering};

use peer_manager::ffi::address::peer_manager_address;
use peer_manager::ffi::error::peer_manager_error;
use peer_manager::ffi::manager::peer_manager as handle;
use peer_manager::ffi::options::peer_manager_options;
use peer_manager::ffi::query::peer_manager_query;
use peer_manager::ffi::record::{
    PEER_MANAGER_BACKOFF_HARD_RESET, PEER_MANAGER_BACKOFF_INCREASE, PEER_MANAGER_TYPE_OUTBOUND,
    peer_manager_record,
};
use peer_manager::ffi::snapshot::peer_manager_snapshot;
use peer_manager::ffi::stats::peer_manager_stats;

use crate::node::NOW;

/// Declares the functions that are called, and how they are found. A row that needs another one adds a line.
macro_rules! functions {
    ($($name:ident: fn($($argument:ty),*) $(-> $returned:ty)?;)*) => {
        #[derive(Clone, Copy)]
        struct Functions {
            $($name: unsafe extern "C" fn($($argument),*) $(-> $returned)?,)*
        }

        impl Functions {
            /// Looks all of them up, each by its name with the prefix.
            ///
            /// # Safety
            /// The library is a build of this one, so that the types are right.
            unsafe fn of(library: *mut c_void) -> Result<Self, String> {
                Ok(Self {
                    $($name: {
                        let address = find(library, concat!("peer_manager_", stringify!($name), "\0"))?;
                        // SAFETY: it is not NULL, and by contract a function of this type.
                        unsafe { mem::transmute::<*mut c_void, unsafe extern "C" fn($($argument),*) $(-> $returned)?>(address) }
                    },)*
                })
            }
        }
    };
}

functions! {
    build_info: fn() -> *const c_char;
    options_init: fn(*mut peer_manager_options, usize);
    open: fn(*const peer_manager_options, *mut *mut handle, *mut peer_manager_error) -> i32;
    flush: fn(*mut handle, *mut peer_manager_error) -> i32;
    free: fn(*mut handle);
    ensure_exists: fn(*mut handle, *const peer_manager_address, *mut peer_manager_error) -> i32;
    ensure_exists_many:
        fn(*mut handle, *const peer_manager_address, usize, *mut usize, *mut peer_manager_error) -> i32;
    load: fn(*mut handle, *const peer_manager_address, *mut peer_manager_record, *mut peer_manager_error) -> i32;
    store_many: fn(*mut handle, *const peer_manager_record, usize, *mut peer_manager_error) -> i32;
    update_backoff: fn(*mut handle, *const peer_manager_address, u32, *mut peer_manager_error) -> i32;
    update: fn(*mut handle, *const peer_manager_address, u32, u8, u32, *mut peer_manager_error) -> i32;
    remove: fn(*mut handle, *const peer_manager_address, *mut peer_manager_error) -> i32;
    get_stats: fn(*mut handle, *mut peer_manager_stats, *mut peer_manager_error) -> i32;
    stats_init: fn(*mut peer_manager_stats, usize);
    get_all_peers: fn(*mut handle, *mut *mut peer_manager_snapshot, *mut peer_manager_error) -> i32;
    snapshot_free: fn(*mut peer_manager_snapshot);
    query_init: fn(*mut peer_manager_query, usize);
    load_random_peers: fn(
        *mut handle,
        *const peer_manager_query,
        usize,
        *mut peer_manager_address,
        *mut usize,
        *mut peer_manager_error
    ) -> i32;
    get_peers_to_send: fn(
        *mut handle,
        *const peer_manager_query,
        *const peer_manager_address,
        usize,
        *mut peer_manager_address,
        *mut usize,
        *mut peer_manager_error
    ) -> i32;
}

fn find(library: *mut c_void, name: &str) -> Result<*mut c_void, String> {
    let name = CStr::from_bytes_with_nul(name.as_bytes()).map_err(|error| error.to_string())?;
    // SAFETY: the library is loaded, and the name ends in a NUL.
    let address = unsafe { libc::dlsym(library, name.as_ptr()) };
    if address.is_null() { Err(format!("there is no {}", name.to_string_lossy())) } else { Ok(address) }
}

/// The function by which something that is not a build of the library names the rows that it can run.
type RowsOf = unsafe extern "C" fn() -> *const c_char;

/// A build of the library. It stays loaded until the process ends: its threads and its SQLite may outlive every manager.
pub(crate) struct Library {
    functions: Functions,
    /// The only rows that it can run; all of them, if there is no such list.
    rows: Option<&'static CStr>,
}

impl Library {
    pub(crate) fn load(path: &Path) -> Result<Self, String> {
        let cannot = |why: &str| format!("cannot load {}: {why}", path.display());
        // An absolute path: a name without a slash would be looked for where the system has its libraries.
        let absolute = path.canonicalize().map_err(|error| cannot(&error.to_string()))?;
        let name = CString::new(absolute.into_os_string().into_encoded_bytes())
            .map_err(|error| cannot(&error.to_string()))?;
        // Local: neither build may find a function in the other.
        // SAFETY: the path ends in a NUL; what runs when the library is loaded is what this benchmark is for.
        let library = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        if library.is_null() {
            // SAFETY: dlopen has just failed, so there is a message.
            let why = unsafe { CStr::from_ptr(libc::dlerror()) };
            return Err(cannot(&why.to_string_lossy()));
        }
        // SAFETY: it has the functions of this library, or it is refused.
        let functions = unsafe { Functions::of(library) }.map_err(|why| cannot(&why))?;
        let rows = find(library, "peer_manager_versus_rows\0").ok().map(|rows| {
            // SAFETY: it is not NULL, and a function of this type wherever there is one of this name.
            let rows = unsafe { mem::transmute::<*mut c_void, RowsOf>(rows) };
            // SAFETY: the text is static and ends in a NUL.
            unsafe { CStr::from_ptr(rows()) }
        });
        Ok(Self { functions, rows })
    }

    pub(crate) fn can_run(&self, row: &str) -> bool {
        self.rows.is_none_or(|rows| rows.to_string_lossy().split(' ').any(|name| name == row))
    }

    /// The version of the library and of its SQLite.
    pub(crate) fn build_info(&self) -> String {
        // SAFETY: the text is static and ends in a NUL.
        unsafe { CStr::from_ptr((self.functions.build_info)()) }.to_string_lossy().into_owned()
    }

    /// A peer manager with the options as `set` leaves them; its clock is what `set_time` has set.
    pub(crate) fn open_as(&self, set: impl FnOnce(&mut peer_manager_options)) -> Node<'_> {
        let mut options = MaybeUninit::uninit();
        let (mut pm, mut error) = (ptr::null_mut(), MaybeUninit::uninit());
        // SAFETY: the pointers are valid for the calls, the first of which initialises all of the options.
        let status = unsafe {
            (self.functions.options_init)(options.as_mut_ptr(), size_of::<peer_manager_options>());
            let options = options.assume_init_mut();
            options.clock = Some(clock);
            set(options);
            (self.functions.open)(options, &raw mut pm, error.as_mut_ptr())
        };
        check(status, &error);
        Node { functions: &self.functions, pm }
    }

    pub(crate) fn in_memory(&self) -> Node<'_> {
        self.open_as(|_| ())
    }

    pub(crate) fn on_file(&self, path: &Path, durability: u32) -> Node<'_> {
        let path = CString::new(path.as_os_str().as_encoded_bytes()).expect("a path has no NUL");
        self.open_as(|options| {
            options.db_path = path.as_ptr();
            options.durability = durability;
        })
    }

    /// The library's own default query.
    pub(crate) fn query(&self) -> peer_manager_query {
        let mut query = MaybeUninit::uninit();
        // SAFETY: the pointer is valid for the call, which initialises all of it.
        unsafe {
            (self.functions.query_init)(query.as_mut_ptr(), size_of::<peer_manager_query>());
            query.assume_init()
        }
    }
}

/// The time that the managers see.
static TIME: AtomicI64 = AtomicI64::new(NOW);

extern "C" fn clock(_context: *mut c_void) -> i64 {
    TIME.load(Ordering::Relaxed)
}

/// Sets the time that every manager sees; a row that has ended leaves `NOW` behind.
pub(crate) fn set_time(now: i64) {
    TIME.store(now, Ordering::Relaxed);
}

/// Panics if a call failed, because a failed call measures something else.
fn check(status: i32, error: &MaybeUninit<peer_manager_error>) {
    if status != 0 {
        // SAFETY: a call that fails fills the error in.
        let error = unsafe { error.assume_init_ref() };
        // SAFETY: the message ends in a NUL.
        let message = unsafe { CStr::from_ptr(error.message.as_ptr()) };
        panic!("status {status}: {}", message.to_string_lossy());
    }
}

// SAFETY: the header says that any number of threads may use a manager at once.
unsafe impl Sync for Node<'_> {}

/// A peer manager, freed when dropped.
pub(crate) struct Node<'a> {
    functions: &'a Functions,
    pm: *mut handle,
}

impl Node<'_> {
    /// Makes a call that must succeed.
    fn call(&self, function: impl FnOnce(&Functions, *mut handle, *mut peer_manager_error) -> i32) {
        let mut error = MaybeUninit::uninit();
        check(function(self.functions, self.pm, error.as_mut_ptr()), &error);
    }

    pub(crate) fn flush(&self) {
        // SAFETY: the pointers are valid for the call.
        self.call(|f, pm, error| unsafe { (f.flush)(pm, error) });
    }

    pub(crate) fn store_many(&self, records: &[peer_manager_record]) {
        // SAFETY: the pointers are valid for the call.
        self.call(|f, pm, error| unsafe { (f.store_many)(pm, records.as_ptr(), records.len(), error) });
    }

    pub(crate) fn ensure_exists(&self, address: &peer_manager_address) {
        // SAFETY: the pointers are valid for the call.
        self.call(|f, pm, error| unsafe { (f.ensure_exists)(pm, address, error) });
    }

    pub(crate) fn ensure_exists_many(&self, addresses: &[peer_manager_address]) {
        let (first, count) = (addresses.as_ptr(), addresses.len());
        let mut inserted = 0;
        // SAFETY: the pointers are valid for the call.
        self.call(|f, pm, error| unsafe {
            (f.ensure_exists_many)(pm, first, count, &raw mut inserted, error)
        });
        assert_eq!(inserted, count, "all of them are new peers");
    }

    pub(crate) fn load(&self, address: &peer_manager_address) {
        let mut record = MaybeUninit::uninit();
        // SAFETY: the pointers are valid for the call.
        self.call(|f, pm, error| unsafe { (f.load)(pm, address, record.as_mut_ptr(), error) });
    }

    pub(crate) fn increase_backoff(&self, address: &peer_manager_address) {
        let increase = PEER_MANAGER_BACKOFF_INCREASE;
        // SAFETY: the pointers are valid for the call.
        self.call(|f, pm, error| unsafe { (f.update_backoff)(pm, address, increase, error) });
    }

    pub(crate) fn update(&self, address: &peer_manager_address) {
        self.dialled(address, PEER_MANAGER_BACKOFF_INCREASE);
    }

    /// A dial that succeeded.
    pub(crate) fn good(&self, address: &peer_manager_address) {
        self.dialled(address, PEER_MANAGER_BACKOFF_HARD_RESET);
    }

    fn dialled(&self, address: &peer_manager_address, backoff: u32) {
        let outbound = PEER_MANAGER_TYPE_OUTBOUND;
        // SAFETY: the pointers are valid for the call.
        self.call(|f, pm, error| unsafe { (f.update)(pm, address, outbound, 0, backoff, error) });
    }

    pub(crate) fn remove(&self, address: &peer_manager_address) {
        // SAFETY: the pointers are valid for the call.
        self.call(|f, pm, error| unsafe { (f.remove)(pm, address, error) });
    }

    pub(crate) fn get_stats(&self) {
        let mut stats = MaybeUninit::uninit();
        // SAFETY: the pointers are valid for the calls, the first of which initialises the stats.
        self.call(|f, pm, error| unsafe {
            (f.stats_init)(stats.as_mut_ptr(), size_of::<peer_manager_stats>());
            (f.get_stats)(pm, stats.as_mut_ptr(), error)
        });
    }

    pub(crate) fn snapshot(&self) {
        let mut snapshot = ptr::null_mut();
        // SAFETY: the pointers are valid for the call.
        self.call(|f, pm, error| unsafe { (f.get_all_peers)(pm, &raw mut snapshot, error) });
        // SAFETY: the snapshot came from this library and is not used any more.
        unsafe { (self.functions.snapshot_free)(snapshot) };
    }

    pub(crate) fn load_random_peers(
        &self,
        query: &peer_manager_query,
        out: &mut [MaybeUninit<peer_manager_address>],
    ) {
        let (size, first) = (out.len(), out.as_mut_ptr().cast());
        let mut count = 0;
        // SAFETY: the pointers are valid for the call.
        self.call(|f, pm, error| unsafe {
            (f.load_random_peers)(pm, query, size, first, &raw mut count, error)
        });
        assert_eq!(count, size, "there are enough eligible peers");
    }

    pub(crate) fn get_peers_to_send(&self, out: &mut [MaybeUninit<peer_manager_address>]) {
        let (size, first) = (out.len(), out.as_mut_ptr().cast());
        let mut count = 0;
        // SAFETY: the pointers are valid for the call, or NULL where that is allowed.
        self.call(|f, pm, error| unsafe {
            (f.get_peers_to_send)(pm, ptr::null(), ptr::null(), size, first, &raw mut count, error)
        });
        assert!(count > 0, "there are peers to share");
    }
}

impl Drop for Node<'_> {
    fn drop(&mut self) {
        // SAFETY: the handle came from this library and is not used any more.
        unsafe { (self.functions.free)(self.pm) };
    }
}
