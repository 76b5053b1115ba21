// Background worker (job queue + scheduled tasks), a process of its own as Vendure's docs advise.
const { bootstrapWorker } = require('@vendure/core');
const { config } = require('./config.cjs');
bootstrapWorker(config).then(w => w.startJobQueue()).then(() => console.log('READY'))
  .catch(e => { console.error(e); process.exit(1); });
