import assert from "node:assert/strict";
import test from "node:test";

import { total } from "../src/total.js";

test("a small order pays for shipping", () => {
  assert.equal(total([{ price: 1000, count: 2 }]), 2490);
});

test("shipping is free from 5,000 cents on", () => {
  assert.equal(total([{ price: 5000, count: 1 }]), 5000);
});

test("of ten or more pieces a tenth is taken off", () => {
  assert.equal(total([{ price: 999, count: 10 }]), 8991);
  assert.equal(total([{ price: 333, count: 11 }]), 3297 + 490);
});
