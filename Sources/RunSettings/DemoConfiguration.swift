extension RunConfiguration {
    /// The demo's settings: twenty clients with skewed data and heavy-tailed delays, asynchronous PFPT.
    public static let demo = """
        run:
          seed: 11
          updates: 360
        endpoints:
          updates: tcp://127.0.0.1:*
          prompts: tcp://127.0.0.1:*
        federation:
          mode: buffered
          buffer_size: 5
          flush_after_seconds: 10
          clients_to_start: 10
          staleness_weight: inverse-sqrt
          beacon_seconds: 0.5
          heartbeat_seconds: 1
          lease_seconds: 5
        strategy:
          name: pfpt-async
        prompts:
          pool: 4
          feature_whitening: validation
        training:
          maximum_steps: 3
          batch_size: 16
          optimizer: sgd
          momentum: 0
          prompt_learning_rate: 0.01
          head_learning_rate: 0.5
          prompts_per_batch: 0
          schedule: linear
          schedule_versions: 72
          schedule_floor: 0.05
        data:
          dataset: fashion-mnist
          partition: dirichlet
          alpha: 0.3
          clients: 20
          training_samples: 20000
          validation_samples: 500
          test_samples: 5000
        encoder:
          image_size: 32
          precision: bfloat16
        evaluation:
          interval_seconds: 4
        worker:
          delay: lognormal
          delay_seconds: 0.7
          delay_shape: 1.2
        """
}
