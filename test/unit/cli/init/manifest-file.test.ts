import { expect, test } from "vitest";
import { guessedStack } from "../../../support/guessed-stack.ts";

const web = "FROM scratch\nEXPOSE 8080\n";

test("of Kubernetes come hosts of Services, variables of ConfigMaps, names of Secrets, and what is mounted", () => {
  const { config, text, accepted } = guessedStack({
    "svc/a/Dockerfile": web,
    "svc/b/Dockerfile": web,
    "k8s/a.yaml": `
apiVersion: apps/v1
kind: Deployment
metadata: { name: a }
spec:
  template:
    spec:
      volumes: [{ name: config, configMap: { name: a-files } }, { name: cache, emptyDir: {} }]
      containers:
        - name: a
          image: a
          volumeMounts: [{ name: config, mountPath: /etc/a }, { name: cache, mountPath: /cache }]
          envFrom: [{ configMapRef: { name: a-config } }]
          env:
            - { name: B_URL, value: "http://b-svc:80" }
            - { name: MODE, valueFrom: { configMapKeyRef: { name: a-config, key: mode } } }
            - { name: LICENCE, valueFrom: { secretKeyRef: { name: s, key: licence } } }
            - { name: NODE, valueFrom: { fieldRef: { fieldPath: spec.nodeName } } }
`,
    "k8s/b.yaml": `
apiVersion: apps/v1
kind: Deployment
metadata: { name: b }
spec: { template: { metadata: { labels: { app: b, tier: x } }, spec: { containers: [{ name: b, image: b }] } } }
---
apiVersion: v1
kind: Service
metadata: { name: b-svc }
spec: { selector: { app: b }, ports: [{ port: 80, targetPort: 8080 }] }
---
apiVersion: v1
kind: Service
metadata: { name: other }
spec: { selector: { app: b, tier: y } }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: a-config }
data: { mode: full, LIMIT: "5", "not.a.name": x }
---
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: postgres }
spec: { template: { metadata: { labels: { app: pg } }, spec: { containers: [{ name: pg, image: "postgres:17" }] } } }
---
apiVersion: v1
kind: Service
metadata: { name: db }
spec: { selector: { app: pg } }
`,
    "svc/b/app.py": 'connect("postgresql://u@db:5432/b")\n',
  });
  expect(accepted.problems).toEqual([]);
  expect(config["services"]).toEqual({
    a: {
      peers: ["b"],
      env: { mode: "full", LIMIT: "5", MODE: "full" },
      secrets: { LICENCE: "licence" },
    },
    b: { dependencies: { db: { address: "DB_ADDRESS" } } },
  });
  expect(text).toContain("# → k8s/a.yaml mounts /etc/a: `volumes` or `files`");
  expect(text).toContain("# svc/b/app.py has its host");
});

test("where a container does not tell its port, its Service does", () => {
  const manifest = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: a-depl }
spec: { template: { metadata: { labels: { app: a } }, spec: { containers: [{ name: a, image: acme/a }] } } }
---
apiVersion: v1
kind: Service
metadata: { name: a-srv }
spec: { selector: { app: a }, ports: [{ port: 53, protocol: UDP }, { port: 80, targetPort: 3000 }] }
`;
  const { config, accepted } = guessedStack({ "a/Dockerfile": "FROM node\n", "infra/a.yaml": manifest });
  expect(accepted.problems).toEqual([]);
  expect(config["services"]).toEqual({ a: { port: 3000 } });
});
