import { tmpdir } from "node:os";
import { join } from "node:path";

import { defineConfig } from "vitest/config";

const report = process.env["GUVNOR_TEST_REPORT"];

export default defineConfig({
  test: {
    reporters: report === undefined ? ["default"] : ["default", "json"],
    ...(report === undefined ? {} : { outputFile: { json: report } }),
    include: ["test/**/*.test.ts"],
    restoreMocks: true,
    // Many tests start guvnor as a process: what one has compiled serves the next.
    env: { NODE_COMPILE_CACHE: join(tmpdir(), "guvnor-test-compiled") },
    // Processes that wait for one another leave a core free half of the time.
    maxWorkers: 2,
    // Tests that start real processes wait on conditions; this only bounds a hang.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    coverage: {
      provider: "v8",
      include: ["src/**/*.ts"],
      // In-process coverage: what only ever runs as a process of its own is not seen by it. The command line
      // and the place where the parts are put together are started by test/cli, test/e2e, test/clients.
      exclude: [
        "src/index.ts",
        "src/cli/**",
        "src/app.ts",
        "src/config.ts",
        "src/project-paths.ts",
        "src/mcp/instructions.ts",
      ],
      thresholds: {
        lines: 95,
        "src/core/**": { lines: 98 },
      },
    },
  },
});
