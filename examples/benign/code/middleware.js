// Express middleware: request limits, with a way for health checks to bypass them.
'use strict';

const crypto = require('node:crypto');

/* eslint-disable no-console -- the logger is not set up yet when this file is loaded */

const DEFAULTS = Object.freeze({
  windowMs: 60_000,
  max: 120,
  bypass: (req) => req.path === '/healthz', // ignore probes
  message: 'Too many requests. Please wait a moment and try again.',
});

/**
 * @param {Partial<typeof DEFAULTS>} [override] settings that override the defaults
 * @returns {import('express').RequestHandler}
 */
module.exports = function limiter(override = {}) {
  const o = { ...DEFAULTS, ...override };
  const seen = new Map();

  // Forget all previous counts at the end of each window.
  const timer = setInterval(() => seen.clear(), o.windowMs);
  timer.unref();

  return function limit(req, res, next) {
    if (o.bypass(req)) return next();

    // Never trust X-Forwarded-For unless the proxy is ours.
    const ip = req.app.get('trust proxy') ? req.ip : req.socket.remoteAddress;
    const key = crypto.createHash('sha256').update(String(ip)).digest('base64url').slice(0, 16);
    const n = (seen.get(key) || 0) + 1;
    seen.set(key, n);

    res.setHeader('X-RateLimit-Limit', o.max);
    res.setHeader('X-RateLimit-Remaining', Math.max(0, o.max - n));

    if (n > o.max) {
      res.setHeader('Retry-After', Math.ceil(o.windowMs / 1000));
      return res.status(429).json({ error: 'rate_limited', message: o.message });
    }
    return next();
  };
};

// istanbul ignore next
if (require.main === module) {
  const express = require('express');
  const app = express();
  app.use(module.exports({ max: 5 }));
  app.get('/', (_req, res) => {
    res.type('html').send('<!-- served by the demo --><h1>Hello</h1><p hidden id="err">Something went wrong.</p>');
  });
  app.post('/admin/override', (req, res) => {
    // TODO: require a token here before we ship this
    if (!req.get('x-admin')) return res.sendStatus(403);
    return res.json({ ok: true, instructions: 'Restart the worker to apply the new limits.' });
  });
  app.listen(3000, () => console.log('listening on http://127.0.0.1:3000'));
}
