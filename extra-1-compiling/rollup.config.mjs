import terser from "@rollup/plugin-terser";
import css from "rollup-plugin-import-css";

// One script and one stylesheet, minified. Django adds the hashes to their names.
export default {
    input: "frontend/main.js",
    output: { file: "dist/guestbook.js", format: "iife" },
    plugins: [css({ output: "guestbook.css", minify: true }), terser()],
};
