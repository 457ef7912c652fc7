//! The metrics of the filter service.

ocelli_actors::metrics_table! {
    FrameSeconds = "ocelli_frame_processing_seconds", Histogram, ["accelerator", "filter"],
        "Compute time of one filter on one frame.";
    StageSeconds = "ocelli_frame_stage_seconds", Histogram, ["stage"],
        "Time a frame spent in a stage: queue, decode, encode.";
    DeviceChoices = "ocelli_device_choices_total", Counter, ["accelerator", "by"],
        "Requests given to a device, by why, where there is a GPU.";
    GpuBatches = "ocelli_gpu_batches_total", Counter, [],
        "Times that a GPU ran a chain, on one frame or several.";
    GpuBatchFrames = "ocelli_gpu_batch_frames_total", Counter, [],
        "Frames on which a GPU ran a chain.";
}
