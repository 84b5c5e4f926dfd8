# syntax=docker/dockerfile:1

ARG NODE_IMAGE=node:24-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run build

# Apart from the build, so that the cache survives a change of the sources.
FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM ${NODE_IMAGE}
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="jambonz-livekit-bridge" \
      org.opencontainers.image.description="Connects Jambonz phone calls to LiveKit rooms with voice agents" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV NODE_ENV=production
WORKDIR /app
# Owned by root and only read by the process: the root file system can be mounted read-only.
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json ./
# Numeric, because Kubernetes' runAsNonRoot cannot check a name. It is the image's own "node".
USER 1000:1000
EXPOSE 3000
# SIGTERM drains: new calls go on for DRAIN_DELAY_S, and the process is gone within SHUTDOWN_TIMEOUT_S.
STOPSIGNAL SIGTERM
# Liveness, not readiness: a draining bridge must not be restarted. Asks 127.0.0.1, so HOST must include it.
HEALTHCHECK --interval=15s --timeout=3s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.PORT || process.env.HTTP_PORT || 3000) + '/health/live').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/src/cli.js", "serve"]
