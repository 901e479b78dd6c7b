/** What is known of the images of databases, caches, queues and tools, by the last part of their names. */
interface KnownDependency {
  readonly kind: "dependency";
  readonly port: number;
  /** How it is called where a variable is named after it. */
  readonly names: RegExp;
  /** The numeric user of its official image. */
  readonly user: number;
  /** Where it keeps its data. */
  readonly data?: string;
  /** Directories that it writes to besides. */
  readonly scratch?: readonly string[];
  /** The variable with which it is given its password. */
  readonly password?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

const tool = { kind: "tool" } as const;
const debianPostgres = 999;

const dependencies: Readonly<Record<string, Omit<KnownDependency, "kind">>> = {
  postgres: {
    port: 5432,
    names: /POSTGRES|^PG|PGSQL|_PG_/,
    user: 70,
    data: "/var/lib/postgresql/data",
    scratch: ["/var/run/postgresql"],
    password: "POSTGRES_PASSWORD",
    environment: { PGDATA: "/var/lib/postgresql/data/pgdata" },
  },
  redis: { port: 6379, names: /REDIS/, user: 999, scratch: ["/data"] },
  valkey: { port: 6379, names: /VALKEY/, user: 999, scratch: ["/data"] },
  mysql: {
    port: 3306,
    names: /MYSQL/,
    user: 999,
    data: "/var/lib/mysql",
    scratch: ["/var/run/mysqld"],
    password: "MYSQL_ROOT_PASSWORD",
  },
  mariadb: {
    port: 3306,
    names: /MARIADB/,
    user: 999,
    data: "/var/lib/mysql",
    scratch: ["/run/mysqld"],
    password: "MARIADB_ROOT_PASSWORD",
  },
  mongo: { port: 27017, names: /MONGO/, user: 999, data: "/data/db", scratch: ["/data/configdb"] },
  rabbitmq: { port: 5672, names: /RABBIT|AMQP/, user: 999, data: "/var/lib/rabbitmq", scratch: ["/var/log/rabbitmq"] },
  nats: { port: 4222, names: /NATS/, user: 1000 },
  memcached: { port: 11_211, names: /MEMCACHE/, user: 11_211 },
  kafka: { port: 9092, names: /KAFKA/, user: 1000, data: "/var/lib/kafka/data", scratch: ["/opt/kafka/logs"] },
  elasticsearch: { port: 9200, names: /ELASTIC/, user: 1000, data: "/usr/share/elasticsearch/data" },
  opensearch: { port: 9200, names: /OPENSEARCH/, user: 1000, data: "/usr/share/opensearch/data" },
  "dynamodb-local": { port: 8000, names: /DYNAMO/, user: 1000 },
  minio: { port: 9000, names: /MINIO/, user: 1000, data: "/data" },
  zookeeper: { port: 2181, names: /ZOOKEEPER/, user: 1000, data: "/data", scratch: ["/datalog", "/logs"] },
  cassandra: { port: 9042, names: /CASSANDRA/, user: 999, data: "/var/lib/cassandra" },
  clickhouse: { port: 9000, names: /CLICKHOUSE/, user: 101, data: "/var/lib/clickhouse" },
};

/** Other names under which the same is published. */
const aliases: Readonly<Record<string, string>> = {
  postgresql: "postgres",
  "postgres-exporter": "exporter",
  postgis: "postgres",
  pgvector: "postgres",
  timescaledb: "postgres",
  "redis-stack": "redis",
  "redis-stack-server": "redis",
  mongodb: "mongo",
  "mongodb-community-server": "mongo",
  "mysql-server": "mysql",
  "cp-kafka": "kafka",
  "kafka-native": "kafka",
  "cp-zookeeper": "zookeeper",
  "clickhouse-server": "clickhouse",
};

const tools =
  /^(prometheus|grafana|jaeger|all-in-one|zipkin|loki|tempo|mimir|alloy|pyroscope|promtail|fluentd|fluent-bit|filebeat|kibana|opensearch-dashboards|otelcol|opentelemetry-collector(-contrib)?|opentelemetry-collector-ebpf-profiler|alertmanager|node-exporter|cadvisor|exporter|adminer|pgadmin4?|phpmyadmin|mongo-express|redisinsight|mailhog|mailpit|localstack|traefik|devcontainers|watchtower|portainer)$/;

/** @param image as a Dockerfile or a file of Compose names it; `undefined`: nothing is known of it */
export function knownImage(image: string): (KnownDependency & { readonly name: string }) | typeof tool | undefined {
  const last = (image.split("@")[0] ?? "").split("/").at(-1) ?? "";
  const written = (last.split(":")[0] ?? "").toLowerCase();
  const name = aliases[written] ?? written;
  if (tools.test(name)) return tool;
  const found = dependencies[name];
  if (found === undefined) return undefined;
  // The images of Debian and of Alpine know its user by other numbers.
  const user = name === "postgres" && !/alpine/.test(image) ? debianPostgres : found.user;
  return { kind: "dependency", name, ...found, user };
}

/** The dependency that a variable is named after. */
export function dependencyOfVariable(variable: string): string | undefined {
  return Object.entries(dependencies).find(([, { names }]) => names.test(variable))?.[0];
}

/** What runs where the repository names no image. */
export const usualImages: Readonly<Record<string, string>> = {
  postgres: "postgres:17-alpine",
  redis: "redis:8-alpine",
  valkey: "valkey/valkey:9-alpine",
  mysql: "mysql:8.4",
  mariadb: "mariadb:11.8",
  mongo: "mongo:8",
  rabbitmq: "rabbitmq:4-alpine",
  nats: "nats:2.12-alpine",
  memcached: "memcached:1.6-alpine",
};
