import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

// GraphiQL embeds 350 KB of Roboto and Fira Code, which hold no Chinese; system fonts serve both.
const withoutFonts = {
  postcssPlugin: 'without-fonts',
  AtRule: { 'font-face': (rule) => rule.remove() },
}

export default defineConfig({
  base: '/graphiql/',
  plugins: [react()],
  css: { postcss: { plugins: [withoutFonts] } },
  resolve: {
    alias: {
      'react-style-singleton': fileURLToPath(new URL('src/noStyleTag.js', import.meta.url)),
    },
  },
  build: {
    outDir: '../app/static/graphiql',
    emptyOutDir: true,
    target: 'es2022',
    sourcemap: false,
    assetsInlineLimit: 0,
    modulePreload: false,
    chunkSizeWarningLimit: 1500,
    rolldownOptions: {
      output: { codeSplitting: false },
      // react-compiler's "use no memo" has no meaning after bundling.
      onwarn: (warning, warn) => warning.code === 'MODULE_LEVEL_DIRECTIVE' || warn(warning),
    },
  },
  server: { proxy: { '/graphql': { target: 'http://127.0.0.1:8000', ws: true } } },
})
