// The HTTP server: one process.
const { bootstrap } = require('@vendure/core');
const { config } = require('./config.cjs');
bootstrap(config).then(() => console.log('READY')).catch(e => { console.error(e); process.exit(1); });
