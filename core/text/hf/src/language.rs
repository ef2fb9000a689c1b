//! The crate `langdetect`, set to what Python 3.11's langdetect 1.0.9 does with DetectorFactory.seed = 0.

use std::sync::OnceLock;

use langdetect::{Compat, DetectorFactory, Seed};

use crate::abi::{self, guard, Buffer, Failure};

fn factory() -> Result<&'static DetectorFactory, Failure> {
    static FACTORY: OnceLock<Result<DetectorFactory, String>> = OnceLock::new();
    FACTORY
        .get_or_init(|| {
            let mut factory = DetectorFactory::new(Compat::python(11));
            factory.seed = Seed::Int(0);
            // Python loads its profiles in os.listdir's order, which is the file system's; it decides the last bits of a
            // probability only. Sorted is the one order that every machine can have.
            let mut files = DetectorFactory::builtin_files();
            files.sort();
            factory
                .load_builtin(&files)
                .map_err(|(index, error)| format!("language profile {index}: {error}"))?;
            Ok(factory)
        })
        .as_ref()
        .map_err(Failure::invalid)
}

#[no_mangle]
pub unsafe extern "C" fn plumbline_hf_detect_language(text: *const u8, text_size: usize) -> Buffer {
    guard(|| {
        let language = factory()?.detect(&abi::text(text, text_size)).map_err(Failure::invalid)?;
        Ok(language.into_bytes())
    })
}
