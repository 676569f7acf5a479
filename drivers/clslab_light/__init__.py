"""CLSLab:Light (self-driving-lab-demo): a Pico W with an RGB LED and a spectrometer, itself an MQTT client."""
