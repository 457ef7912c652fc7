//! PNG, JPEG and WebP files to images and back.
