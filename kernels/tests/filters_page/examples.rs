//! Parameters that make it visible what a filter does, on a photograph of 176 x 176 pixels.

use ocelli_kernels::FilterDefinition;

type Given = &'static [(&'static str, &'static str)];

/// The parameters; those that are not named have their defaults.
pub(crate) fn parameters(definition: &FilterDefinition) -> Given {
    match definition.id {
        "adaptive_threshold" => &[("block_size", "15"), ("c", "5")],
        "bilateral" => &[("diameter", "11"), ("sigma_color", "60"), ("sigma_space", "5")],
        "blur" => &[("kernel_size", "15"), ("sigma", "4")],
        "box_blur" => &[("kernel_size", "13")],
        "brightness_contrast" => &[("brightness", "30"), ("contrast", "1.4")],
        "color_convert" => &[("to", "bgr")],
        "color_matrix" => &[("matrix", "0 1 0 0 0 0 1 0 1 0 0 0")],
        "convolution" => &[("kernel", "0 -2 0 -2 9 -2 0 -2 0")],
        "crop" => &[("x", "40"), ("y", "0"), ("width", "110"), ("height", "110")],
        "draw" => {
            &[("shapes", "box 56 8 64 84 #ff3030 3; label 58 106 #ffffff \"face 0.98\" #ff3030")]
        }
        "gamma" => &[("gamma", "2.2")],
        "letterbox" => &[("width", "176"), ("height", "120")],
        "lut" => &[("table", LUT)],
        "median" => &[("kernel_size", "9")],
        "motion_blur" => &[("length", "21"), ("angle", "20")],
        "pad" => &[("top", "12"), ("left", "12"), ("border_mode", "reflect")],
        "pixelate" => &[("block_size", "11")],
        "posterize" => &[("levels", "4")],
        "redact" => &[("regions", "58 10 56 76"), ("mode", "pixelate"), ("strength", "14")],
        "resize" => &[("width", "88"), ("height", "88"), ("filter", "area")],
        "rotate" => &[("angle", "20"), ("expand", "false")],
        "saturation_hue" => &[("saturation", "1.6"), ("hue", "60")],
        "unsharp_mask" => &[("amount", "2.5")],
        "vignette" => &[("strength", "0.9"), ("radius", "0.2")],
        "warp_affine" => &[("matrix", "0.9 0.25 -10 -0.1 0.9 20")],
        "warp_perspective" => &[("matrix", "1 0.2 0 0.1 1.1 0 0.0015 0.0012 1")],
        "erode" | "dilate" | "open" | "close" | "gradient" | "top_hat" | "black_hat" => {
            &[("shape", "ellipse"), ("kernel_size", "7")]
        }
        _ => &[],
    }
}

/// Dark levels to light ones and back: a solarisation.
const LUT: &str = "\
0 2 4 6 8 10 12 14 16 18 20 22 24 26 28 30 32 34 36 38 40 42 44 46 48 50 52 54 56 58 60 62 64 66 \
68 70 72 74 76 78 80 82 84 86 88 90 92 94 96 98 100 102 104 106 108 110 112 114 116 118 120 122 124 \
126 128 130 132 134 136 138 140 142 144 146 148 150 152 154 156 158 160 162 164 166 168 170 172 174 \
176 178 180 182 184 186 188 190 192 194 196 198 200 202 204 206 208 210 212 214 216 218 220 222 224 \
226 228 230 232 234 236 238 240 242 244 246 248 250 252 254 255 253 251 249 247 245 243 241 239 237 \
235 233 231 229 227 225 223 221 219 217 215 213 211 209 207 205 203 201 199 197 195 193 191 189 187 \
185 183 181 179 177 175 173 171 169 167 165 163 161 159 157 155 153 151 149 147 145 143 141 139 137 \
135 133 131 129 127 125 123 121 119 117 115 113 111 109 107 105 103 101 99 97 95 93 91 89 87 85 83 \
81 79 77 75 73 71 69 67 65 63 61 59 57 55 53 51 49 47 45 43 41 39 37 35 33 31 29 27 25 23 21 19 17 \
15 13 11 9 7 5 3 1";

/// As `--filter` takes it; long lists are cut.
pub(crate) fn command(definition: &FilterDefinition) -> String {
    let given = parameters(definition);
    if given.is_empty() {
        return definition.id.to_owned();
    }
    let pairs: Vec<String> = given
        .iter()
        .map(|(key, value)| match value.get(..24) {
            Some(start) if definition.id == "lut" => format!("{key}={start}… (256 numbers)"),
            _ => format!("{key}={value}"),
        })
        .collect();
    format!("{}:{}", definition.id, pairs.join(","))
}
