//! The metrics of a process, whichever services it runs.

ocelli_actors::metrics_table! {
    MemoryBudget = "ocelli_memory_budget_bytes", Gauge, [],
        "The budget for images and messages, in bytes.";
    ResidentMemory = "process_resident_memory_bytes", Gauge, [],
        "Memory of the process that is in physical memory, in bytes.";
}
