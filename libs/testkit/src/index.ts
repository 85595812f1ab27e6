export { eventually, type EventuallyOptions } from './eventually.ts';
export {
  type Direction,
  faultProxy,
  type FaultProxy,
  type FaultProxyOptions,
  type FaultProxyTarget,
} from './fault-proxy.ts';
export { freePort } from './free-port.ts';
export { guardProcess } from './process-guard.ts';
export { type RedisCluster, startRedisCluster, type StartRedisClusterOptions } from './redis-cluster.ts';
export { type RedisServer, startRedis, type StartRedisOptions } from './redis-server.ts';
export { seededRandom } from './seeded-random.ts';
export { temporaryDirectory, type TemporaryDirectory } from './temporary-directory.ts';
export { uniqueName } from './unique-name.ts';
export { type CertificateFiles, opensslIsHere, TestAuthority } from './certificates.ts';
