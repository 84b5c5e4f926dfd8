# syntax=docker/dockerfile:1

ARG NODE_IMAGE=node:24-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run build

# A stage of its own, so that a change of the sources does not install the dependencies again.
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
# Root owns these files and the process only reads them, so the root file system can be mounted read-only.
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY bin ./bin
COPY console ./console
COPY package.json ./
# So that `docker run IMAGE bridge demo --once` and the other commands need no path.
RUN ln -s /app/bin/bridge.cjs /usr/local/bin/bridge
# Numeric, because runAsNonRoot of Kubernetes cannot check a name. This is the image's own user "node".
USER 1000:1000
EXPOSE 3000
# On SIGTERM the bridge drains: it still connects new calls for DRAIN_DELAY_S, and exits within SHUTDOWN_TIMEOUT_S.
# Node.js runs as process 1, without npm or a shell in between, so that it receives the signal.
STOPSIGNAL SIGTERM
# Checks liveness, not readiness, because a draining bridge must not be restarted. It asks 127.0.0.1, so HOST must
# include that address.
HEALTHCHECK --interval=15s --timeout=3s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.PORT || process.env.HTTP_PORT || 3000) + '/health/live').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "bin/bridge.cjs", "serve"]
