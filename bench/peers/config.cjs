// Vendure configuration for the benchmark: lean production shape (no dashboard, no assets, no e-mail).
// Everything that can make Vendure slower than its core (search indexing, template plugins) is off,
// so the numbers are Vendure at its best.
const {
  DefaultJobQueuePlugin, DefaultSchedulerPlugin,
  DefaultLogger, LogLevel, dummyPaymentHandler,
} = require('@vendure/core');

const plugins = [
  DefaultJobQueuePlugin.init({ useDatabaseForBuffer: true }),
  DefaultSchedulerPlugin.init(),
];

exports.config = {
  logger: new DefaultLogger({ level: LogLevel.Error, timestamp: false }),
  apiOptions: {
    hostname: '127.0.0.1',
    port: Number(process.env.VENDURE_PORT),
    introspection: false,
    trustProxy: false,
    shopListQueryLimit: 500,
  },
  authOptions: {
    tokenMethod: ['bearer', 'cookie'],
    superadminCredentials: { identifier: 'bench-admin', password: 'bench-pass-1' },
    cookieOptions: { secret: 'bench-only' },
  },
  dbConnectionOptions: {
    type: 'postgres',
    host: '127.0.0.1',
    port: Number(process.env.VENDURE_PGPORT),
    username: process.env.VENDURE_PGUSER,
    password: process.env.VENDURE_PGPASSWORD,
    database: process.env.VENDURE_DB,
    synchronize: process.env.SYNC === '1',
    logging: false,
    poolSize: 20,
  },
  paymentOptions: { paymentMethodHandlers: [dummyPaymentHandler] },
  plugins,
};
