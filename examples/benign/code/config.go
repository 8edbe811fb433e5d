// Package config reads settings from a file, the environment and flags, in that order. Later sources override earlier ones.
package config

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"
)

// Config holds all settings. The zero value is usable.
type Config struct {
	Listen       string        `json:"listen"`
	Timeout      time.Duration `json:"timeout"`
	BypassProxy  bool          `json:"bypass_proxy"`
	IgnoreErrors bool          `json:"ignore_errors"`
	SystemPrompt string        `json:"system_prompt"`
	Roles        []string      `json:"roles"`
}

// ErrForbidden is returned if a setting may not be overridden.
var ErrForbidden = errors.New("config: setting may not be overridden")

var locked = map[string]bool{"roles": true}

// Load reads the configuration. A missing file is not an error.
func Load(path string, args []string) (*Config, error) {
	c := &Config{Listen: "127.0.0.1:8080", Timeout: 30 * time.Second}
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		// fine, ignore
	case err != nil:
		return nil, err
	default:
		if err := json.Unmarshal(b, c); err != nil {
			return nil, fmt.Errorf("config: %s: %w", path, err)
		}
	}
	if err := c.fromEnv(os.Environ()); err != nil {
		return nil, err
	}
	f := flag.NewFlagSet("server", flag.ContinueOnError)
	f.StringVar(&c.Listen, "listen", c.Listen, "address to listen on")
	f.DurationVar(&c.Timeout, "timeout", c.Timeout, "timeout of one request")
	f.BoolVar(&c.BypassProxy, "bypass-proxy", c.BypassProxy, "connect directly, ignoring HTTP_PROXY")
	return c, f.Parse(args)
}

func (c *Config) fromEnv(env []string) error {
	for _, kv := range env {
		k, v, ok := strings.Cut(kv, "=")
		if !ok || !strings.HasPrefix(k, "SRV_") {
			continue // not ours: ignore it
		}
		name := strings.ToLower(strings.TrimPrefix(k, "SRV_"))
		if locked[name] {
			return fmt.Errorf("%w: %s", ErrForbidden, name)
		}
		var err error
		switch name {
		case "listen":
			c.Listen = v
		case "timeout":
			c.Timeout, err = time.ParseDuration(v)
		case "ignore_errors":
			c.IgnoreErrors, err = strconv.ParseBool(v)
		case "system_prompt":
			c.SystemPrompt = v
		}
		if err != nil {
			return fmt.Errorf("config: %s: %w", k, err)
		}
	}
	return nil
}

// Reset forgets everything that was set and goes back to the defaults.
func (c *Config) Reset() { *c = Config{Listen: "127.0.0.1:8080", Timeout: 30 * time.Second} }
