// The fixed layout of the shared memory, in bytes. Exported by the module, so that no host repeats an offset.
//
//   0        64               1024       4096                          2 MiB                3 MiB              4 MiB     5 MiB     8.5 MiB
//   ├ unused ┼ header, sha256 ┼ scoring's  ┼ 256 breaker slots × 5120 ┼ slab 4096 × 256    ┼ limiters, limits ┼ sketches ┼ classifier ┤

export const LAYOUT_VERSION: i32 = 3;
/** Pages of 64 KiB, initial and maximum: shared memory of a fixed size. */
export const MEMORY_PAGES: i32 = 136;

// Header. Written once by the host that makes the memory, except the slot counter.
export const HEADER_VERSION: i32 = 64; // u32, LAYOUT_VERSION once the memory is ready
export const HEADER_SLOTS_TAKEN: i32 = 68; // i32, atomic
export const HEADER_SHA256: i32 = 96; // 32 bytes, of the module

// Parameters of the scoring, each an f64: a block for batches, and one for the device's own record, which has thresholds of its own.
// The version of a block is a hash of exactly these bytes. Offsets are within a block.
export const PARAMETERS: i32 = 1024;
export const PARAMETERS_OWN: i32 = 1280;
export const PARAM_WEIGHTS: i32 = 0; // 6 × f64, in the order of the factors
export const PARAM_SEVERITY_PRESSURE: i32 = 48; // 6 × f64, in the order of the severities
export const PARAM_CPU_MONITOR: i32 = 96;
export const PARAM_CPU_REDUCE: i32 = 104;
export const PARAM_RAM_MONITOR: i32 = 112;
export const PARAM_RAM_REDUCE: i32 = 120;
export const PARAM_TEMPERATURE_MONITOR: i32 = 128;
export const PARAM_TEMPERATURE_REDUCE: i32 = 136;
export const PARAM_TEMPERATURE_EMERGENCY: i32 = 144;
export const PARAM_DISK_MONITOR: i32 = 152;
export const PARAM_DISK_REDUCE: i32 = 160;
export const PARAM_ERROR_RATE_MONITOR: i32 = 168;
export const PARAM_ERROR_RATE_REDUCE: i32 = 176;
export const PARAM_LATENCY_MONITOR: i32 = 184;
export const PARAM_LATENCY_REDUCE: i32 = 192;
export const PARAM_TEMPERATURE_FLOOR: i32 = 200;
export const PARAM_TEMPERATURE_SPAN: i32 = 208;
export const PARAM_LATENCY_SCALE: i32 = 216;
export const PARAM_HYSTERESIS: i32 = 224; // share of a threshold
export const PARAM_COOLDOWN: i32 = 232; // ms
export const PARAMETERS_BYTES: i32 = 240;

/** The device's own record: as those of the slab, scored alone with PARAMETERS_OWN. */
export const RECORD_OWN: i32 = 1536;

// Breaker slots.
export const SLOTS: i32 = 4096;
export const SLOT_COUNT: i32 = 256;
export const SLOT_BYTES: i32 = 5120;
// First line of 64 bytes: what every call reads and few write.
export const SLOT_STATE: i32 = 0; // u64, see breaker-state.ts
export const SLOT_UNTIL: i32 = 8; // u64, see breaker-time.ts
export const SLOT_TIME: i32 = 16; // u64, see breaker-time.ts
export const SLOT_SLOW_MS: i32 = 24; // f64, infinite: off
export const SLOT_FAILURE_RATE: i32 = 32; // f64
export const SLOT_SLOW_RATE: i32 = 40; // f64
export const SLOT_WINDOW_CALLS: i32 = 48; // u32
export const SLOT_CALLS_MIN: i32 = 52; // u32
export const SLOT_HEAD_BITS: i32 = 56; // i32
export const SLOT_BUCKETS: i32 = 60; // u32, 0: the window counts calls
// Options that are read away from the closed path.
export const SLOT_OPEN_TICKS: i32 = 64; // f64
export const SLOT_OPEN_MAX_TICKS: i32 = 72; // f64
export const SLOT_OPEN_GROWTH: i32 = 80; // f64
export const SLOT_JITTER: i32 = 88; // f64
export const SLOT_HALF_OPEN_TICKS: i32 = 96; // u64
export const SLOT_BUCKET_TICKS: i32 = 104; // f64
export const SLOT_PERMITS: i32 = 112; // u32
export const SLOT_SUCCESSES: i32 = 116; // u32
export const SLOT_SEED: i32 = 120; // u32
// Lines that every report writes.
export const SLOT_WINDOW: i32 = 192; // u64, see breaker-window.ts
export const SLOT_COUNTERS: i32 = 256; // 7 × u64
export const SLOT_LOG: i32 = 512; // 64 × u64
export const SLOT_LOG_ENTRIES: i32 = 64;
export const SLOT_RING: i32 = 1024; // 1024 × u32, or 64 buckets of 2 × u64
export const WINDOW_CALLS_MAX: i32 = 1024;
export const BUCKETS_MAX: i32 = 60;
export const BUCKET_MS_MIN: i32 = 5;
export const PERMITS_MAX: i32 = 64;
export const SUCCESSES_MAX: i32 = 1000;

export const COUNTER_SUCCESSES: i32 = 0;
export const COUNTER_FAILURES: i32 = 1;
export const COUNTER_IGNORED: i32 = 2;
export const COUNTER_SLOW: i32 = 3;
export const COUNTER_LATE: i32 = 4;
export const COUNTER_REFUSED: i32 = 5;
export const COUNTER_OPENINGS: i32 = 6;

// Slab of score records. Inputs first, then outputs.
export const SLAB: i32 = 2097152;
export const SLAB_RECORDS: i32 = 4096;
export const RECORD_BYTES: i32 = 256;
export const RECORD_PRESENT: i32 = 0; // u32, PRESENT_*
export const RECORD_SEVERITY: i32 = 4; // u16, 0 none … 5 critical
export const RECORD_PREVIOUS: i32 = 6; // u16, the previous decision
export const RECORD_CPU: i32 = 8; // f64 from here
export const RECORD_RAM: i32 = 16;
export const RECORD_TEMPERATURE: i32 = 24;
export const RECORD_DISK: i32 = 32;
export const RECORD_ERROR_RATE: i32 = 40;
export const RECORD_LATENCY: i32 = 48;
export const RECORD_CONTEXT: i32 = 56;
export const RECORD_HISTORY: i32 = 64;
export const RECORD_CONFIDENCE: i32 = 72; // f64
export const RECORD_PRESSURE: i32 = 80; // f64
export const RECORD_DECISION: i32 = 88; // u32, 0 normal … 3 emergency_shutdown
export const RECORD_REASONS: i32 = 92; // u32, RULE_*
export const RECORD_ABSENT: i32 = 96; // u32, bit i: factor i is absent
export const RECORD_PREVIOUS_AGE: i32 = 104; // f64, input: ms since the inputs last asked for the previous decision
export const RECORD_SCORES: i32 = 112; // 6 × f64 each
export const RECORD_WEIGHTS: i32 = 160;
export const RECORD_SHARES: i32 = 208;

export const PRESENT_TEMPERATURE: i32 = 1;
export const PRESENT_DISK: i32 = 2;
export const PRESENT_ERROR_RATE: i32 = 4;
export const PRESENT_LATENCY: i32 = 8;
export const PRESENT_CONTEXT: i32 = 16;
export const PRESENT_HISTORY: i32 = 32;
export const PRESENT_PREVIOUS: i32 = 64;

// Stable numbers of the rules: bit i of RECORD_REASONS.
export const RULE_SEVERITY_CRITICAL: i32 = 0;
export const RULE_TEMPERATURE_EMERGENCY: i32 = 1;
export const RULE_CPU_REDUCE: i32 = 2;
export const RULE_RAM_REDUCE: i32 = 3;
export const RULE_TEMPERATURE_REDUCE: i32 = 4;
export const RULE_DISK_REDUCE: i32 = 5;
export const RULE_ERROR_RATE_REDUCE: i32 = 6;
export const RULE_LATENCY_REDUCE: i32 = 7;
export const RULE_SEVERITY_HIGH: i32 = 8;
export const RULE_CPU_MONITOR: i32 = 9;
export const RULE_RAM_MONITOR: i32 = 10;
export const RULE_TEMPERATURE_MONITOR: i32 = 11;
export const RULE_DISK_MONITOR: i32 = 12;
export const RULE_ERROR_RATE_MONITOR: i32 = 13;
export const RULE_LATENCY_MONITOR: i32 = 14;
export const RULE_HELD_BY_COOLDOWN: i32 = 15;
/** Bit i + 16: rule i no longer holds, but its figure is not clear of the threshold by the hysteresis. */
export const RULE_HELD: i32 = 16;

// Rate limiters, see gcra.ts. Memory of zeros is a table without clients.
export const LIMITERS: i32 = 3145728;
export const LIMITERS_TAKEN: i32 = 3145728; // i32, atomic
export const LIMITERS_HASH_KEY: i32 = 3145736; // 2 × u32, random, written once by the host that makes the memory
export const LIMITER_FIRST: i32 = 3145792;
export const LIMITER_COUNT: i32 = 2;
export const LIMITER_BYTES: i32 = 196672;
export const LIMITER_READY: i32 = 0; // i32, 1 once configured
export const LIMITER_TOKENS: i32 = 8; // u64
export const LIMITER_INTERVAL: i32 = 16; // u64
export const LIMITER_AHEAD: i32 = 24; // u64
export const LIMITER_COUNTERS: i32 = 32; // 3 × u64
export const LIMITER_SETS: i32 = 64;
export const LIMITER_SET_COUNT: i32 = 1024;
export const LIMITER_SET_BYTES: i32 = 192;
export const LIMITER_WAYS: i32 = 8;
export const SET_CLAIM: i32 = 0; // u64
export const SET_KEYS: i32 = 64; // 8 × u64
export const SET_TIMES: i32 = 128; // 8 × u64

export const LIMITER_REFUSED: i32 = 0;
export const LIMITER_EVICTED: i32 = 1;
export const LIMITER_EVICTED_IN_DEBT: i32 = 2;

// Adaptive concurrency limits, see concurrency.ts.
export const LIMITS_TAKEN: i32 = 4063232; // i32, atomic, at 3.875 MiB
export const LIMIT_FIRST: i32 = 4063296;
export const LIMIT_COUNT: i32 = 256;
export const LIMIT_BYTES: i32 = 128;
export const LIMIT_STATE: i32 = 0; // u64
export const LIMIT_SAMPLES: i32 = 8; // 2 × u64: calls that were not dropped, calls that were
export const LIMIT_READY: i32 = 24; // i32, 1 once configured
export const LIMIT_LEAST: i32 = 64; // f64 from here
export const LIMIT_MOST: i32 = 72;
export const LIMIT_QUEUE: i32 = 80;
export const LIMIT_TOLERANCE: i32 = 88;
export const LIMIT_SMOOTHING: i32 = 96;
export const LIMIT_FACTOR: i32 = 104;

// Latency sketches, see sketch.ts.
export const SKETCHES_TAKEN: i32 = 4194304; // i32, atomic
export const SKETCH_FIRST: i32 = 4194368;
export const SKETCH_COUNT: i32 = 63;
export const SKETCH_BYTES: i32 = 16448;
export const SKETCH_READY: i32 = 0; // i32, 1 once taken
export const SKETCH_SUM: i32 = 8; // u64, in units of 1/SKETCH_TICKS_PER_MS
export const SKETCH_MAX: i32 = 16; // f64
export const SKETCH_BUCKETS: i32 = 64; // 2048 × u64
export const SKETCH_BUCKET_COUNT: i32 = 2048;

// Text classifier, see classifier.ts. The model is written once by the host that loads it.
export const CLASSIFIER_STATE: i32 = 5242880; // i32, atomic: 0 no model, 1 being written, 2 ready
export const CLASSIFIER_TAKEN: i32 = 5242884; // i32, atomic: workspaces
export const CLASSIFIER_HEAD_BITS: i32 = 5242888; // i32 for each head: it has 2^bits weights
export const CLASSIFIER_SHA256: i32 = 5242912; // 32 bytes, of the file of the model
export const CLASSIFIER_SCALES: i32 = 5242944; // f64 for each head: what a weight of 1 stands for
export const CLASSIFIER_BIASES: i32 = 5242960; // f64 for each head
export const CLASSIFIER_WEIGHTS: i32 = 5246976; // i8, 2^CLASSIFIER_BITS_MAX bytes for each head
export const CLASSIFIER_HEADS: i32 = 2;
export const CLASSIFIER_BITS_MIN: i32 = 8;
export const CLASSIFIER_BITS_MAX: i32 = 17;
// Workspaces: one for each thread that scores.
export const WORKSPACE_FIRST: i32 = 5767168;
export const WORKSPACE_COUNT: i32 = 4;
export const WORKSPACE_BYTES: i32 = 737408;
export const WORKSPACE_EPOCH: i32 = 0; // u32, the stamp of the window that was scored last
export const WORKSPACE_FROM: i32 = 4; // u32, output: where the window with the highest score begins
export const WORKSPACE_TO: i32 = 8; // u32, output: and ends, exclusive
export const WORKSPACE_LENGTH: i32 = 12; // u32, bytes of the text that was read
export const WORKSPACE_TOKENS: i32 = 16; // u32, its tokens
export const WORKSPACE_TEXT: i32 = 64;
export const WORKSPACE_TEXT_BYTES: i32 = 16384;
export const WORKSPACE_STAMPS: i32 = 16448; // 2^17 × u16
export const WORKSPACE_LIST: i32 = 278592; // tokens, see classifier.ts: one for each byte at most, and one behind them
export const TOKEN_BYTES: i32 = 16;
export const WORKSPACE_GRAMS: i32 = 540752; // u32 each: 3 for each byte at most
